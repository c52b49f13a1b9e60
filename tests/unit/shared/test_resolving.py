"""Names are looked up for several customers at once, and one whose names hang holds up nobody else."""

import asyncio
import threading
from collections import Counter

import pytest

from shared.network import resolving
from shared.network.resolving import NameUnknown, Resolver, system_lookup

ADDRESS = ("192.0.2.1",)


class Names:
    """A name service; names that begin with "slow" hang until `release`."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.release = threading.Event()

    def __call__(self, host: str) -> tuple[str, ...]:
        self.asked[host] += 1
        if host.startswith("slow"):
            self.release.wait(30)
        if host.startswith("no"):
            raise OSError("not found")
        return ADDRESS


async def test_a_name_is_looked_up_once_for_calls_that_begin_together_and_for_a_while() -> None:
    names = Names()
    resolver = Resolver(names)
    assert await asyncio.gather(*(resolver.addresses("agent.test", 1) for _ in range(10))) == [ADDRESS] * 10
    assert await resolver.addresses("agent.test", 1) == ADDRESS
    assert names.asked == {"agent.test": 1}
    resolver.forget("agent.test", 1)
    await resolver.addresses("agent.test", 1)
    await resolver.addresses("agent.test", 2)
    assert names.asked == {"agent.test": 3}


async def test_an_unknown_name_is_unknown_and_asked_for_again() -> None:
    names = Names()
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(NameUnknown):
            await resolver.addresses("nobody.test", 1)
    assert names.asked == {"nobody.test": 2}


@pytest.mark.parametrize("name", ["\x00", "a" * 300, "a..b", "ü" * 70])
async def test_what_no_name_can_be_is_unknown(name: str) -> None:
    with pytest.raises(NameUnknown):
        await Resolver().addresses(name, 1)


async def test_one_whose_names_hang_holds_up_nobody_else() -> None:
    names = Names()
    resolver = Resolver(names, limit_seconds=20)
    slow = [asyncio.create_task(resolver.addresses(f"slow{nth}.test", 1)) for nth in range(200)]
    await asyncio.sleep(0)
    assert await resolver.addresses("agent.test", 2) == ADDRESS
    assert sum(names.asked.values()) <= resolving.MAX_LOOKUPS_OF_TENANT + 1
    names.release.set()
    assert await asyncio.gather(*slow) == [ADDRESS] * 200


async def test_a_name_that_hangs_is_given_up() -> None:
    names = Names()
    with pytest.raises(NameUnknown):
        await Resolver(names, limit_seconds=0.05).addresses("slow.test", 1)
    names.release.set()


@pytest.mark.parametrize("spelled", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0x7f000001"])
def test_an_address_in_any_spelling_is_found_as_the_one_that_it_means(spelled: str) -> None:
    assert system_lookup(spelled) == ("127.0.0.1",)


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MAX_KEPT_NAMES", 2)
    names = Names()
    resolver = Resolver(names)
    for host in ("a", "b", "c", "a"):
        await resolver.addresses(host, 1)
    assert names.asked["a"] == 2
