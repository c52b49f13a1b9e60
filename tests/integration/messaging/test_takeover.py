"""A leader that vanishes without a goodbye is replaced: a frozen process, a cable that was pulled."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.local.children import dies_with_parent
from shared.events.envelope import Sealed
from shared.messaging.messages import Say
from shared.messaging.relay import CONNECT_SECONDS, ELECTION_SECONDS, LEASE_SECONDS
from tests.integration.messaging.conftest import RunRelay
from tests.support import topics
from tests.support.databases import TestDatabase
from tests.support.proxies import Line, served
from tests.support.toy_service import SCHEMA, Toy, a_deposit
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TAKEN_OVER_WITHIN_SECONDS = 30.0
SHORT_LEASE_SECONDS = 3.0
A_RELAY = """
import asyncio, sys
from shared.messaging.relay import Relay
url, schema, bootstrap, prefix, lease = sys.argv[1:]
asyncio.run(Relay(
    database_url=url, schema=schema, bootstrap=bootstrap, topic_prefix=prefix, service="toy", lease_seconds=float(lease)
).run())
"""


@contextmanager
def _another_process(toy: Toy, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    arguments = [url, SCHEMA, toy.bootstrap, toy.prefix, str(SHORT_LEASE_SECONDS)]
    process = subprocess.Popen([sys.executable, "-c", A_RELAY, *arguments], preexec_fn=dies_with_parent)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _write(toy: Toy, *ids: str) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write(transaction, [Say(a_deposit(one)) for one in ids])


async def _subjects(toy: Toy, count: int) -> list[str]:
    records = await toy.published("platform-payments", count=count)
    return [dict(record.headers)["ce_subject"].decode() for record in records]  # type: ignore[attr-defined]


def test_the_lease_leaves_room_in_what_is_promised() -> None:
    assert LEASE_SECONDS + ELECTION_SECONDS + CONNECT_SECONDS < TAKEN_OVER_WITHIN_SECONDS


async def test_a_frozen_leader_is_replaced_and_does_no_harm_when_it_wakes(
    toy: Toy, a_relay: RunRelay, test_database: TestDatabase
) -> None:
    with _another_process(toy, test_database.url("api")) as leader:
        await _write(toy, "before")

        async def published() -> bool:
            return await toy.value("SELECT count(*) FROM outbox") == 0

        await eventually(published)
        async with a_relay(lease_seconds=SHORT_LEASE_SECONDS) as standby:
            leader.send_signal(signal.SIGSTOP)
            await _write(toy, *(f"frozen{n}" for n in range(20)))
            after_it = ["before", *(f"frozen{n}" for n in range(20))]
            assert await _subjects(toy, 21) == after_it
            assert standby.is_leading()
            leader.send_signal(signal.SIGCONT)

            async def stands_by() -> bool:
                return (
                    await toy.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'api relay'") == 2
                )

            await eventually(stands_by, what="the one that was frozen stands by")
            await _write(toy, "after")
            assert await _subjects(toy, 22) == [*after_it, "after"]
            assert standby.is_leading()
        await _write(toy, "last")
        assert await _subjects(toy, 23) == [*after_it, "after", "last"], "the one that was frozen leads again"


async def test_a_leader_whose_cable_was_pulled_is_replaced(
    toy: Toy, a_relay: RunRelay, test_database: TestDatabase
) -> None:
    """Neither end hears of it: both hosts go on to acknowledge what is sent to them."""
    url = test_database.url("api")
    port = url.rpartition(":")[2].partition("/")[0]
    async with served(Line(int(port))) as line:
        through = url.replace(f":{port}/", f":{line.port}/")
        async with a_relay(database_url=through, lease_seconds=SHORT_LEASE_SECONDS) as cut_off:

            async def leads() -> bool:
                return cut_off.is_leading()

            await eventually(leads)
            async with a_relay(lease_seconds=SHORT_LEASE_SECONDS) as standby:
                line.cut = True
                await _write(toy, "d1")
                assert await _subjects(toy, 1) == ["d1"]
                assert standby.is_leading()


async def test_a_leader_asks_in_one_piece(toy: Toy, a_relay: RunRelay, test_database: TestDatabase) -> None:
    """In the middle of a question a session is neither idle nor in a transaction: no limit of PostgreSQL's ends it."""
    url = test_database.url("api")
    port = url.rpartition(":")[2].partition("/")[0]
    await topics.create_anew(toy.bootstrap, toy.prefix + "platform-payments", max_message_bytes="100000")
    async with served(Line(int(port))) as line:
        through = url.replace(f":{port}/", f":{line.port}/")
        async with a_relay(database_url=through) as relay:

            async def leads() -> bool:
                return relay.is_leading()

            await eventually(leads)
            line.cut_behind = b" outbox"  # no statement's text comes by: PostgreSQL has prepared them all
            await _write(toy, "d1")
            async with toy.database.transaction() as transaction:
                await toy.outbox.write_sealed(transaction, [Sealed("platform-payments", b"1", b"x" * 150_000, [])])

            async def done() -> bool:
                left = await toy.value("SELECT count(*) FROM outbox")
                return left == 0 and await toy.value("SELECT count(*) FROM outbox_aside") == 1

            await eventually(done, what="one row published and deleted, one set aside")
            assert not line.cut
