"""What is committed is published from memory: the table stands by for whatever goes wrong in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from shared.db.database import Database
from shared.db.liveness import LiveConnection
from shared.events.envelope import Sealed, header
from shared.messaging import lanes, rounds
from shared.messaging.handover import Row
from shared.messaging.outbox import write_headers
from shared.messaging.rounds import Rounds
from tests.integration.messaging.conftest import RunRelay
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TOPIC = "platform-payments"
FOR_EVER_SECONDS = 3_600.0


@pytest.fixture
async def leading(toy: Toy) -> AsyncIterator[Toy]:
    """An instance that leads and has read its table."""
    task = asyncio.create_task(toy.relay.run())
    await _leads(toy)
    yield toy
    await _end(task)


async def _leads(toy: Toy) -> None:
    async def leads() -> bool:
        return toy.relay.is_leading()

    await eventually(leads)
    await toy.relay.flush()


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _write(toy: Toy, *ids: str, database: Database | None = None) -> None:
    async with (database or toy.database).transaction() as transaction:
        await toy.outbox.write_sealed(transaction, [_sealed(one) for one in ids])


def _sealed(subject: str) -> Sealed:
    return Sealed(TOPIC, b"1", b"{}", [("ce_subject", subject.encode())])


async def _published(toy: Toy, *ids: str) -> None:
    """Wait for records; these, in this order, and none twice."""
    records = await toy.published(TOPIC, count=len(ids))
    assert [header(record.headers, "ce_subject") for record in records] == list(ids)  # type: ignore[attr-defined]


async def _emptied(toy: Toy) -> None:
    async def empty() -> bool:
        return await toy.value("SELECT count(*) FROM outbox") == 0

    await eventually(empty, what="the outbox is empty")


def _count(monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> list[object]:
    """Note every call of a method."""
    calls: list[object] = []
    real = getattr(owner, method)

    async def counted(self: Any, *arguments: Any) -> Any:
        calls.append(arguments)
        return await real(self, *arguments)

    monkeypatch.setattr(owner, method, counted)
    return calls


async def test_what_is_committed_at_rest_costs_no_reading_and_one_delete(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = _count(monkeypatch, Rounds, "_read")
    deletes = _count(monkeypatch, LiveConnection, "execute")
    await _write(leading, "d1")
    await _write(leading, "d2", "d3")
    await _published(leading, "d1", "d2", "d3")
    await _emptied(leading)
    assert readings == []
    assert sum("DELETE" in str(one) for one in deletes) <= 2


async def test_ids_are_those_of_the_rows_in_the_order_in_which_they_were_written(toy: Toy) -> None:
    handed_over: list[Row] = []

    def commit_asked(rows: Any) -> Any:
        handed_over.extend(rows)
        return lambda surely: None

    toy.relay.commit_asked = commit_asked  # type: ignore[method-assign]
    await _write(toy, *(f"d{n}" for n in range(5_000)))
    async with toy.database.reading() as transaction:
        rows = await transaction.rows("SELECT id, topic, key, value, headers FROM outbox ORDER BY id")
    assert [row._replace(headers=write_headers(row.headers)) for row in handed_over] == [  # type: ignore[arg-type]
        Row(*row) for row in rows
    ]


async def test_killed_between_commit_and_publication_it_is_published_by_the_next(
    toy: Toy, a_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = asyncio.create_task(toy.relay.run())
    await _leads(toy)
    with monkeypatch.context() as dying:
        dying.setattr(lanes.Lane, "go", lambda lane: None)
        await _write(toy, "d1", "d2")
        await _end(task)
    async with a_relay():
        await _published(toy, "d1", "d2")


async def test_killed_between_acknowledgement_and_delete_it_is_published_twice_and_in_order(
    toy: Toy, a_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(rounds: Rounds) -> None:
        """Die without a word."""

    task = asyncio.create_task(toy.relay.run())
    await _leads(toy)
    with monkeypatch.context() as dying:
        dying.setattr(rounds, "TIDY_SECONDS", FOR_EVER_SECONDS)
        dying.setattr(Rounds, "wind_up", nothing)
        await _write(toy, "d1", "d2")
        await _published(toy, "d1", "d2")
        await _end(task)
    assert await toy.value("SELECT count(*) FROM outbox") == 2
    async with a_relay():
        await _published(toy, "d1", "d2", "d1", "d2")
        await _emptied(toy)


async def test_a_commit_whose_answer_is_lost_is_published_before_what_follows_it(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LiveConnection.execute
    lost: list[str] = []

    async def loses_the_first_answer(self: Any, statement: str, *arguments: Any) -> Any:
        answer = await real(self, statement, *arguments)
        if statement == "COMMIT" and not lost:
            lost.append(statement)
            raise ConnectionResetError
        return answer

    monkeypatch.setattr(LiveConnection, "execute", loses_the_first_answer)
    with pytest.raises(ConnectionResetError):
        await _write(leading, "d1")
    await _write(leading, "d2")
    await _published(leading, "d1", "d2")


async def test_a_commit_that_goes_through_after_its_line_was_given_up_is_published_before_what_follows_it(
    leading: Toy, test_database: TestDatabase
) -> None:
    """The table is read when the line breaks, and the row is not there yet. What follows comes from memory."""
    slow = await asyncpg.connect(test_database.url("api"))
    block = slow.transaction()
    await block.start()
    row_id = await slow.fetchval(
        "INSERT INTO api.outbox (topic, key, value, headers) VALUES ($1, '1', '{}', $2) RETURNING id",
        TOPIC,
        write_headers(_sealed("late").headers),
    )
    leading.relay.commit_asked([Row(row_id, *_sealed("late"))])(False)
    await _write(leading, "other")
    await _published(leading, "other")
    await block.commit()
    await slow.close()
    await _write(leading, "following")
    await _published(leading, "other", "late", "following")


async def test_a_commit_without_an_answer_holds_the_others_up_for_a_moment_only(leading: Toy) -> None:
    leading.relay.commit_asked([Row(1_000_000, *_sealed("never"))])
    await _write(leading, "d1")
    await _published(leading, "d1")


async def test_what_postgresql_rolled_back_when_it_was_told_to_commit_is_an_error_and_never_published(
    leading: Toy,
) -> None:
    async def fails_and_does_not_mind() -> None:
        async with leading.database.transaction() as transaction:
            await leading.outbox.write_sealed(transaction, [_sealed("never")])
            with suppress(asyncpg.DivisionByZeroError):
                await transaction.run("SELECT 1 / 0")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await fails_and_does_not_mind()
    await _write(leading, "d1")
    await _published(leading, "d1")


async def test_a_row_that_nobody_announced_is_found(leading: Toy) -> None:
    async with leading.database.transaction() as transaction:
        await transaction.run(
            "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, '1', '{}', :headers)",
            topic=TOPIC,
            headers=write_headers(_sealed("d1").headers),
        )
    await _published(leading, "d1")


async def test_who_takes_over_in_mid_backlog_publishes_it_before_what_is_committed_meanwhile(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MAX_READ_ROWS", 20)
    old, new = [f"old{n}" for n in range(500)], [f"new{n}" for n in range(100)]
    await _write(toy, *old)
    task = asyncio.create_task(toy.relay.run())
    for one in new:
        await _write(toy, one)
    await _published(toy, *old, *new)
    await _emptied(toy)
    await _end(task)


async def test_more_than_memory_may_hold_is_published_from_the_table(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MAX_WAITING_ROWS", 5)
    readings = _count(monkeypatch, Rounds, "_read")
    ids = [f"d{n}" for n in range(400)]
    for first in range(0, 400, 20):
        await _write(leading, *ids[first : first + 20])
    await _published(leading, *ids)
    await _emptied(leading)
    assert readings, "memory overflowed"


async def test_a_delete_that_fails_is_tried_again_and_nothing_is_published_twice(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LiveConnection.execute
    failed: list[str] = []

    async def fails_at_first(self: Any, statement: str, *arguments: Any) -> Any:
        if statement.startswith("DELETE FROM outbox") and len(failed) < 2:  # the second one is that of the winding up
            failed.append(statement)
            raise ConnectionResetError
        return await real(self, statement, *arguments)

    monkeypatch.setattr(LiveConnection, "execute", fails_at_first)
    await _write(leading, "d1", "d2")
    await _emptied(leading)
    await _write(leading, "d3")
    await _published(leading, "d1", "d2", "d3")
    assert len(failed) == 2


async def test_what_was_written_before_this_instance_led_is_published_once_and_in_order(
    toy: Toy, test_database: TestDatabase
) -> None:
    """It notifies, for somebody else led; by the commit it leads itself, and gets the rows and the notice."""
    async with toy.database.transaction() as transaction:
        await toy.outbox.write_sealed(transaction, [_sealed("d1")])
        task = asyncio.create_task(toy.relay.run())
        await _leads(toy)
    await _write(toy, "d2")
    await _published(toy, "d1", "d2")
    await _emptied(toy)
    await _end(task)
