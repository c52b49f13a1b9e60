"""What is committed is published from memory: the table stands by for whatever goes wrong in between."""

import asyncio
from typing import Any

import pytest

from shared.db.liveness import LiveConnection
from shared.messaging import lanes, rounds
from shared.messaging.handover import Row
from shared.messaging.outbox import write_headers
from shared.messaging.rounds import Rounds
from tests.integration.messaging.conftest import RunRelay
from tests.integration.messaging.publishing import TOPIC, a_record, emptied, end, published, until_it_leads, write
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

FOR_EVER_SECONDS = 3_600.0


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
    await write(leading, "d1")
    await write(leading, "d2", "d3")
    await published(leading, "d1", "d2", "d3")
    await emptied(leading)
    assert readings == []
    assert sum("DELETE" in str(one) for one in deletes) <= 2


async def test_ids_are_those_of_the_rows_in_the_order_in_which_they_were_written(toy: Toy) -> None:
    handed_over: list[Row] = []

    def commit_asked(rows: Any) -> Any:
        handed_over.extend(rows)
        return lambda surely: None

    toy.relay.commit_asked = commit_asked  # type: ignore[method-assign]
    await write(toy, *(f"d{n}" for n in range(5_000)))
    async with toy.database.reading() as transaction:
        rows = await transaction.rows("SELECT id, topic, key, value, headers FROM outbox ORDER BY id")
    assert [row._replace(headers=write_headers(row.headers)) for row in handed_over] == [  # type: ignore[arg-type]
        Row(*row) for row in rows
    ]


async def test_killed_between_commit_and_publication_it_is_published_by_the_next(
    toy: Toy, a_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = asyncio.create_task(toy.relay.run())
    await until_it_leads(toy)
    with monkeypatch.context() as dying:
        dying.setattr(lanes.Lane, "go", lambda lane: None)
        await write(toy, "d1", "d2")
        await end(task)
    async with a_relay():
        await published(toy, "d1", "d2")


async def test_killed_between_acknowledgement_and_delete_it_is_published_twice_and_in_order(
    toy: Toy, a_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(rounds: Rounds) -> None:
        """Die without a word."""

    task = asyncio.create_task(toy.relay.run())
    await until_it_leads(toy)
    with monkeypatch.context() as dying:
        dying.setattr(rounds, "DELETE_AFTER_SECONDS", FOR_EVER_SECONDS)
        dying.setattr(Rounds, "wind_up", nothing)
        await write(toy, "d1", "d2")
        await published(toy, "d1", "d2")
        await end(task)
    assert await toy.value("SELECT count(*) FROM outbox") == 2
    async with a_relay():
        await published(toy, "d1", "d2", "d1", "d2")
        await emptied(toy)


async def test_a_row_that_is_published_and_only_not_deleted_yet_is_no_old_one(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(rounds, "DELETE_AFTER_SECONDS", FOR_EVER_SECONDS)
    await write(leading, "d1")
    await published(leading, "d1")
    async with leading.database.transaction() as transaction:
        await transaction.run("UPDATE outbox SET written_at = written_at - interval '1 hour'")
    looks = _count(monkeypatch, Rounds, "once")

    async def looked_at() -> bool:
        return len(looks) > 2

    await eventually(looked_at)
    assert leading.relay.complaints() == []
    assert await leading.value("SELECT count(*) FROM outbox") == 1


async def test_a_row_that_nobody_announced_is_found(leading: Toy) -> None:
    async with leading.database.transaction() as transaction:
        await transaction.run(
            "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, '1', '{}', :headers)",
            topic=TOPIC,
            headers=write_headers(a_record("d1").headers),
        )
    await published(leading, "d1")


async def test_who_takes_over_in_mid_backlog_publishes_it_before_what_is_committed_meanwhile(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MAX_READ_ROWS", 20)
    old, new = [f"old{n}" for n in range(500)], [f"new{n}" for n in range(100)]
    await write(toy, *old)
    task = asyncio.create_task(toy.relay.run())
    for one in new:
        await write(toy, one)
    await published(toy, *old, *new)
    await emptied(toy)
    await end(task)


async def test_more_than_memory_may_hold_is_published_from_the_table(
    leading: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MAX_WAITING_ROWS", 5)
    readings = _count(monkeypatch, Rounds, "_read")
    ids = [f"d{n}" for n in range(400)]
    for first in range(0, 400, 20):
        await write(leading, *ids[first : first + 20])
    await published(leading, *ids)
    await emptied(leading)
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
    await write(leading, "d1", "d2")
    await emptied(leading)
    await write(leading, "d3")
    await published(leading, "d1", "d2", "d3")
    assert len(failed) == 2


async def test_what_was_written_before_this_instance_led_is_published_once_and_in_order(
    toy: Toy, test_database: TestDatabase
) -> None:
    """It notifies, for somebody else led; by the commit it leads itself, and gets the rows and the notice."""
    async with toy.database.transaction() as transaction:
        await toy.outbox.write_sealed(transaction, [a_record("d1")])
        task = asyncio.create_task(toy.relay.run())
        await until_it_leads(toy)
    await write(toy, "d2")
    await published(toy, "d1", "d2")
    await emptied(toy)
    await end(task)
