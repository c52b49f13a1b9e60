"""Commits of which nobody knows the outcome: never lost, never invented, published before what follows from them."""

from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from shared.db.liveness import LiveConnection
from shared.messaging.handover import Row
from shared.messaging.outbox import write_headers
from tests.integration.messaging.publishing import TOPIC, a_record, published, write
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy

pytestmark = pytest.mark.integration


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
        await write(leading, "d1")
    await write(leading, "d2")
    await published(leading, "d1", "d2")


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
        write_headers(a_record("late").headers),
    )
    leading.relay.commit_asked([Row(row_id, *a_record("late"))])(False)
    await write(leading, "other")
    await published(leading, "other")
    await block.commit()
    await slow.close()
    await write(leading, "following")
    await published(leading, "other", "late", "following")


async def test_a_commit_without_an_answer_holds_the_others_up_for_a_moment_only(leading: Toy) -> None:
    leading.relay.commit_asked([Row(1_000_000, *a_record("never"))])
    await write(leading, "d1")
    await published(leading, "d1")


async def test_what_postgresql_rolled_back_when_it_was_told_to_commit_is_an_error_and_never_published(
    leading: Toy,
) -> None:
    async def fails_and_does_not_mind() -> None:
        async with leading.database.transaction() as transaction:
            await leading.outbox.write_sealed(transaction, [a_record("never")])
            with suppress(asyncpg.DivisionByZeroError):
                await transaction.run("SELECT 1 / 0")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await fails_and_does_not_mind()
    await write(leading, "d1")
    await published(leading, "d1")
