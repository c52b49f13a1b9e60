"""Events leave through the outbox: never without their transaction, in order, and at least once."""

import asyncio
import random

import asyncpg
import pytest

from shared.db.liveness import LiveConnection
from shared.messaging.messages import Say
from shared.messaging.outbox import TooLarge
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def _write(toy: Toy, *ids: str) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write(transaction, [Say(a_deposit(one), TRACEPARENT) for one in ids])


async def _write_and_fail(toy: Toy) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write(transaction, [Say(a_deposit("never"))])
        await transaction.run("SELECT 1 / 0")


async def test_what_was_committed_before_a_crash_is_published_by_the_next_process(toy: Toy) -> None:
    """The process died between commit and publish: the rows are there, no relay ran."""
    await _write(toy, "d1", "d2")
    assert await toy.value("SELECT count(*) FROM outbox") == 2
    async with running(toy):
        records = await toy.published("platform-payments", count=2)
    assert [dict(record.headers)["ce_subject"] for record in records] == [b"d1", b"d2"]  # type: ignore[attr-defined]
    headers = dict(records[0].headers)  # type: ignore[attr-defined]
    assert headers["traceparent"] == TRACEPARENT.encode()
    assert headers["ce_type"] == b"platform.FundsDeposited.v1"
    assert headers["ce_specversion"] == b"1.0"


async def test_a_rolled_back_event_is_never_published(toy: Toy) -> None:
    async with running(toy):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await _write_and_fail(toy)
        await _write(toy, "d1")
        (record,) = await toy.published("platform-payments", count=1)
    assert dict(record.headers)["ce_subject"] == b"d1"  # type: ignore[attr-defined]


async def test_an_event_that_no_consumer_could_take_is_refused_before_it_is_true(toy: Toy) -> None:
    from shared.events.envelope import Sealed

    with pytest.raises(TooLarge):
        async with toy.database.transaction() as transaction:
            await toy.outbox.write_sealed(transaction, [Sealed("platform-payments", b"1", b"x" * 3_000_000, [])])


async def test_one_of_two_relays_publishes_and_the_other_takes_over(toy: Toy, test_database: TestDatabase) -> None:
    standby = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    async with running(standby):

        async def standby_leads() -> bool:
            return standby.relay.is_leading()

        async with running(toy):

            async def one_leads() -> bool:
                return toy.relay.is_leading() or standby.relay.is_leading()

            await eventually(one_leads)
            assert not (toy.relay.is_leading() and standby.relay.is_leading())
            for n in range(20):
                await _write(toy if n % 2 else standby, f"d{n}")
            first = await toy.published("platform-payments", count=20)
            assert len(first) == 20, "nothing was published twice while nothing failed"
        await eventually(standby_leads)
        await _write(standby, "after")
        records = await standby.published("platform-payments", count=21)
    subjects = [dict(record.headers)["ce_subject"].decode() for record in records]  # type: ignore[attr-defined]
    assert subjects == [*(f"d{n}" for n in range(20)), "after"], "the order of the outbox is the order of the topic"


async def test_a_late_commit_with_a_lower_id_is_not_skipped(toy: Toy) -> None:
    """Ids are given before the commit: a cursor over ids would pass by the slow transaction. Deleting does not."""
    async with running(toy):
        async with toy.database.transaction() as slow:
            await toy.outbox.write(slow, [Say(a_deposit("slow"))])
            await _write(toy, "fast")
            (record,) = await toy.published("platform-payments", count=1)
            assert dict(record.headers)["ce_subject"] == b"fast"  # type: ignore[attr-defined]
        records = await toy.published("platform-payments", count=2)
    assert {dict(record.headers)["ce_subject"] for record in records} == {b"fast", b"slow"}  # type: ignore[attr-defined]


async def test_what_waits_for_each_others_row_lock_is_published_in_that_order_however_late_the_answers_are(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL lets go of the locks first and answers then: the answer may be heard after the follower's."""
    real = LiveConnection.execute

    async def answers_late(self: LiveConnection, statement: str, *arguments: object) -> object:
        answer = await real(self, statement, *arguments)
        if statement == "COMMIT":
            await asyncio.sleep(random.uniform(0, 0.02))
        return answer

    async def count_on() -> None:
        for _ in range(25):
            async with toy.database.transaction() as transaction:
                nth = await transaction.value("UPDATE counter SET n = n + 1 RETURNING n")
                await toy.outbox.write(transaction, [Say(a_deposit(str(nth)))])

    async with toy.database.transaction() as transaction:
        await transaction.run("CREATE TABLE counter AS SELECT 0 AS n")
    async with running(toy):
        monkeypatch.setattr(LiveConnection, "execute", answers_late)
        await asyncio.gather(*(count_on() for _ in range(6)))
        records = await toy.published("platform-payments", count=150)
    subjects = [int(dict(record.headers)["ce_subject"]) for record in records]  # type: ignore[attr-defined]
    assert subjects == list(range(1, 151))
