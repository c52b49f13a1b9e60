"""Records that a service does not hear cost it no transaction, and its place behind them is stored in time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import asyncpg
import pytest
from prometheus_client import REGISTRY

from shared.events.envelope import seal
from shared.events.event import Event
from shared.events.payments import FundsAdjusted
from shared.messaging import progress
from tests.support.databases import TestDatabase
from tests.support.raw_kafka import a_batch, a_record, an_lz4_that_ends_badly, produce
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PAYMENTS = "platform-payments"
OF_PARTITION_0 = 2  # an organisation, by the hash of its key
RECORDS = 100
COMMITS_BESIDE = 15  # the first place is read and stored, and the last one at the end


def for_others(nth: int) -> FundsAdjusted:
    """What the toy does not hear."""
    return FundsAdjusted(org_id=OF_PARTITION_0, adjustment_id=f"a{nth}", amount_cents=1, reason="because")


def consumed() -> float:
    return REGISTRY.get_sample_value("rehearsal_consumed_records_total", {"service": "toy"}) or 0.0


@asynccontextmanager
async def consuming(toy: Toy) -> AsyncIterator[None]:
    """Run a toy's consumer alone: a relay has transactions of its own."""
    task = asyncio.create_task(toy.consumer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def hear(toy: Toy, *events: Event) -> None:
    """Publish, and wait until the toy has heard: each time a poll of its own."""
    for event in events:
        before = consumed()
        await toy.publish(event)

        async def heard(before: float = before) -> bool:
            return consumed() > before

        await eventually(heard)


async def stored(toy: Toy) -> object:
    return await toy.value("SELECT next_offset FROM consumer_offsets WHERE partition = 0")


async def commits(database: TestDatabase) -> int:
    """Count once nobody is connected any more: a session tells its own only now and then, and at its end."""
    connection = await asyncpg.connect(database.server_url, database="postgres")
    try:

        async def nobody() -> bool:
            question = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1)"
            return bool(await connection.fetchval(question, database.name))

        await eventually(nobody)
        question = "SELECT xact_commit FROM pg_stat_database WHERE datname = $1"
        return int(await connection.fetchval(question, database.name))
    finally:
        await connection.close()


async def test_a_hundred_polls_of_records_for_others_cost_a_commit_a_second(
    toy: Toy, test_database: TestDatabase
) -> None:
    await toy.database.dispose()
    before, began = await commits(test_database), time.monotonic()
    async with consuming(toy):
        await hear(toy, *(for_others(nth) for nth in range(RECORDS)))
    seconds = time.monotonic() - began
    await toy.database.dispose()
    assert await commits(test_database) - before <= seconds / progress.STORED_WITHIN_SECONDS + COMMITS_BESIDE
    assert await stored(toy) == RECORDS


async def test_the_place_behind_them_is_stored_in_time_and_lag_and_readiness_do_not_wait(toy: Toy) -> None:
    labels = {"service": "toy", "topic": PAYMENTS, "partition": "0"}

    async def nothing_is_left() -> bool:
        return REGISTRY.get_sample_value("rehearsal_consumer_lag_records", labels) == 0 and toy.consumer.ready()

    async def stored_behind() -> bool:
        return await stored(toy) == 3

    async with consuming(toy):
        await hear(toy, *(for_others(nth) for nth in range(3)))
        await eventually(nothing_is_left)
        await eventually(stored_behind, within_seconds=progress.STORED_WITHIN_SECONDS + 10.0)


async def test_the_place_travels_with_the_next_poll_that_has_an_effect(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    async with consuming(toy):
        await hear(toy, *(for_others(nth) for nth in range(3)))
        await toy.publish(a_deposit("of the other partition", org_id=1))

        async def written() -> bool:
            return await toy.ids() == ["of the other partition"]

        await eventually(written)
        assert await stored(toy) == 3


async def test_the_place_is_stored_when_the_service_stops(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    async with consuming(toy):
        await hear(toy, *(for_others(nth) for nth in range(3)))
    assert await stored(toy) == 3


async def test_the_place_is_stored_before_another_instance_hears_on(
    toy: Toy, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    second = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    async with consuming(toy):
        await hear(toy, *(for_others(nth) for nth in range(3)))
        before = consumed()
        async with consuming(second):

            async def both_ready() -> bool:
                return toy.consumer.ready() and second.consumer.ready()

            async def stored_behind() -> bool:
                return await stored(toy) == 3

            await eventually(stored_behind)
            await eventually(both_ready)
            await hear(toy, for_others(3))
            assert consumed() == before + 1, "nothing is heard again"
    await second.database.dispose()


async def test_after_a_crash_they_are_heard_again_and_nothing_else_is(
    toy: Toy, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: progress.Progress) -> None:
        """A process that is killed says no goodbye."""

    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    monkeypatch.setattr(progress.Progress, "let_go", nothing)
    await toy.publish(a_deposit("before", org_id=OF_PARTITION_0))
    async with running(toy):

        async def written() -> bool:
            return await toy.ids() == ["before"]

        await eventually(written)
        await hear(toy, for_others(0), for_others(1))
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    assert await stored(again) == 1
    before = consumed()
    async with running(again):
        await again.publish(a_deposit("after", org_id=OF_PARTITION_0))

        async def both() -> bool:
            return await again.ids() == ["before", "after"]

        await eventually(both)
        assert await stored(again) == 4
    assert consumed() == before + 3


async def test_an_operator_finds_a_partition_that_stands_still_stored_where_the_complaint_says(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    one = seal(for_others(0), event_id="e", occurred_at=datetime.now(UTC), traceparent=None)
    headers = [(name.encode(), value) for name, value in one.headers]
    record = a_record(0, one.key or b"", one.value or b"", headers)
    for _ in range(2):
        await produce(toy.bootstrap, toy.prefix + PAYMENTS, 0, a_batch([record]))
    await produce(toy.bootstrap, toy.prefix + PAYMENTS, 0, an_lz4_that_ends_badly([record]))
    async with consuming(toy):

        async def stands_still() -> bool:
            return any("is stopped at offset 2: " in sentence for sentence in toy.consumer.complaints())

        await eventually(stands_still)
        assert await stored(toy) == 2


async def test_an_event_that_can_have_no_effect_is_as_if_it_were_for_others(
    toy: Toy, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STORED_WITHIN_SECONDS", 1_000.0)
    choosy = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, only=lambda deposit: deposit.amount_cents > 1)
    await choosy.publish(*(a_deposit(f"d{cents}", amount_cents=cents) for cents in (1, 2, 1, 3, 1)))
    async with consuming(choosy):

        async def written() -> bool:
            return await choosy.ids() == ["d2", "d3"]

        await eventually(written)
        await hear(choosy, a_deposit("d1", amount_cents=1))
    async with consuming(toy):
        await toy.publish(a_deposit("last"))

        async def last() -> bool:
            return await toy.ids() == ["d2", "d3", "last"]

        await eventually(last)
    await choosy.database.dispose()
