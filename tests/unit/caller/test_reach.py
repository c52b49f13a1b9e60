"""Where an agent may be: checked once for all addresses of a name, and dialled at what was checked, or not at all."""

import socket
import time
from collections.abc import Iterator

import pytest

from services.caller.domain.turn import PartyError
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.choose import ChosenParties
from services.caller.edges.secrets import Secrets
from shared.events.connection import OpenAIConnection
from shared.network.resolving import Resolver
from tests.unit.caller.builders import a_dispatch
from tests.unit.caller.endpoint import Endpoint, asking, failure_of, some_pools

REFUSED = "The agent's endpoint has no address that is called from here: its name is unknown, or leads inside"


def names(**known: tuple[str, ...]) -> Resolver:
    """A name service that knows these names (with _ for a dot)."""

    def lookup(host: str) -> tuple[str, ...]:
        try:
            return known[host.replace(".", "_")]
        except KeyError:
            raise OSError("unknown") from None

    return Resolver(lookup)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "LOCALHOST.",
    ],
)
async def test_an_open_port_inside_is_told_like_a_closed_one_and_an_unknown_name(
    endpoint: Endpoint, closed_port: int, host: str
) -> None:
    async with asking(some_pools(allowed="")) as asks:
        for port in (endpoint.port, closed_port):
            assert await failure_of(endpoint, asks, url=f"http://{host}:{port}/v1") == REFUSED
        assert await failure_of(endpoint, asks, url="http://unknown.invalid/v1") == REFUSED
    assert endpoint.asked == [], "nobody was contacted"


async def test_a_refusal_takes_no_time_that_tells_anything(endpoint: Endpoint) -> None:
    """An address that swallows packets is refused as fast as one that answers: nothing is sent."""
    async with asking(some_pools(allowed="")) as asks:
        began = time.monotonic()
        assert await failure_of(endpoint, asks, url="http://10.255.255.1/v1") == REFUSED
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("host", ["0177.0.0.1", "①②⑦.0.0.1", "127.0.0.1%00.agent.test", "127。0。0。1"])
async def test_an_address_that_is_spelled_to_deceive_leads_nowhere(endpoint: Endpoint, host: str) -> None:
    async with asking(some_pools(allowed="")) as asks:
        assert await failure_of(endpoint, asks, url=f"http://{host}:{endpoint.port}/v1")
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1", "192.168.0.1"), ("::ffff:10.0.0.1",), ("127.0.0.1", "nonsense"), ()]
)
async def test_every_address_of_a_name_has_to_be_allowed(endpoint: Endpoint, addresses: tuple[str, ...]) -> None:
    async with asking(some_pools(resolver=names(agent_test=addresses))) as asks:
        assert await failure_of(endpoint, asks, url=f"http://agent.test:{endpoint.port}/v1") == REFUSED
    assert endpoint.asked == []


async def test_what_is_dialled_is_what_was_checked(endpoint: Endpoint) -> None:
    """A name that leads somewhere else the second time it is asked for (DNS rebinding) leads nowhere else."""
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    def rebinding(host: str) -> tuple[str, ...]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with asking(some_pools(resolver=Resolver(rebinding))) as asks:
        url = f"http://agent.test:{endpoint.port}/v1"
        party = endpoint.party(asks, url=url)
        for _ in range(2):
            assert (await party.take_turn(())).text == "Hello."
    assert len(answers) == 1
    assert endpoint.hosts == [f"agent.test:{endpoint.port}"] * 2, "the name stays in the Host header"


async def test_the_next_address_is_tried_when_nobody_answers_at_the_first(endpoint: Endpoint) -> None:
    resolver = names(agent_test=("127.0.0.2", "127.0.0.1"))  # the endpoint listens at the second alone
    async with asking(some_pools(resolver=resolver)) as asks:
        url = f"http://agent.test:{endpoint.port}/v1"
        assert (await endpoint.party(asks, url=url).take_turn(())).text == "Hello."


async def test_the_operator_s_own_endpoint_may_be_anywhere(endpoint: Endpoint) -> None:
    mind = OpenAIConnection(kind="openai", base_url=endpoint.url, model="m")
    async with asking(some_pools(allowed="")) as asks:
        parties = ChosenParties(Secrets(), asks, mind)
        assert (await parties.bot(a_dispatch()).take_turn(())).text == "Hello."


async def test_an_agent_is_checked_with_its_own_organisation(endpoint: Endpoint, asks: HttpAsks) -> None:
    target = a_dispatch().target.model_copy(
        update={"connection": OpenAIConnection(kind="openai", base_url=endpoint.url, model="m")}
    )
    assert (await ChosenParties(Secrets(), asks).agent(a_dispatch(target=target)).take_turn(())).text == "Hello."
    async with asking(some_pools(allowed="")) as nowhere:
        agent = ChosenParties(Secrets(), nowhere).agent(a_dispatch(target=target))
        with pytest.raises(PartyError, match="leads inside"):
            await agent.take_turn(())
