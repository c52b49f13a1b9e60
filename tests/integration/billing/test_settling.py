"""Charging and releasing: once, exactly, and in whatever order the topics are read."""

from collections.abc import Callable

import asyncpg
import pytest

from shared.db.database import Database
from shared.errors import NotYet
from shared.events.billing import ChargeSettled, FundsReserved, ReservationReleased
from shared.events.event import Event
from tests.integration.billing.conftest import deposited
from tests.support.databases import TestDatabase
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import completed, expired, failed, of, requested

pytestmark = pytest.mark.integration

End = Callable[[int], Event]


async def test_a_completed_run_is_charged_and_the_rest_released(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11, held_minutes=3))
    (said,) = await billing.hear(completed(11, duration_seconds=61))
    assert isinstance(said, ChargeSettled)
    assert (said.billable_minutes, said.settled_cents, said.released_cents) == (2, 32, 16)
    assert (said.account.balance_cents, said.account.held_cents) == (68, 0)
    assert [(entry.kind, entry.amount_cents, entry.call_id) for entry in said.entries] == [
        ("settle", 32, 500_011),
        ("release", 16, 500_011),
    ]
    await assert_the_ledger_is_sound(database)


async def test_a_call_that_used_its_whole_hold_releases_nothing(billing: Ear) -> None:
    await billing.hear(deposited(100), requested(11))
    (said,) = await billing.hear(completed(11))
    assert isinstance(said, ChargeSettled)
    assert [entry.kind for entry in said.entries] == ["settle"]


@pytest.mark.parametrize("end", [expired, failed])
async def test_a_run_without_a_call_costs_nothing(billing: Ear, database: Database, end: End) -> None:
    await billing.hear(deposited(100), requested(11))
    (said,) = await billing.hear(end(11))
    assert isinstance(said, ReservationReleased)
    assert (said.released_cents, said.account.balance_cents, said.account.held_cents) == (16, 100, 0)
    await assert_the_ledger_is_sound(database)


async def test_an_end_heard_twice_counts_once(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11), requested(12))
    assert len(await billing.hear(completed(11), completed(11), failed(12), failed(12))) == 2
    assert await billing.hear(completed(11), failed(12)) == []
    assert billing.dead == []
    await assert_the_ledger_is_sound(database)


async def test_of_two_different_ends_the_first_counts(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11), requested(12))
    assert len(await billing.hear(failed(11))) == 1
    assert await billing.hear(completed(11)) == []
    assert len(await billing.hear(completed(12))) == 1
    assert await billing.hear(failed(12)) == []
    await assert_the_ledger_is_sound(database)


async def test_a_completion_before_its_hold_waits_and_the_others_go_on(billing: Ear) -> None:
    await billing.hear(deposited(100), requested(11))
    with pytest.raises(NotYet) as waiting:
        await billing.hear(completed(11), completed(12))
    assert {offset for _, _, offset in waiting.value.positions} == {1}, "only the record of run 12 waits"
    assert len(await billing.hear(completed(11))) == 1
    said = await billing.hear(requested(12), completed(12))
    assert len(of(said, FundsReserved)) == len(of(said, ChargeSettled)) == 1


async def test_a_completion_that_cannot_be_read_is_not_charged(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11))
    (said,) = await billing.hear_garbage(completed(11))
    assert isinstance(said, ReservationReleased)
    assert await billing.hear(completed(11)) == []
    await assert_the_ledger_is_sound(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing.ledger SET amount_cents = 1",
        "DELETE FROM billing.ledger",
        "TRUNCATE billing.ledger",
        "UPDATE billing.accounts SET held_cents = balance_cents + 1",
        "UPDATE billing.accounts SET balance_cents = -1",
        "UPDATE billing.accounts SET held_cents = balance_cents + 1, taken_back_cents = 50",
        "UPDATE billing.accounts SET taken_back_cents = -1",
        """
        INSERT INTO billing.ledger (id, org_id, cause, kind, debit_account, credit_account, amount_cents,
                                    balance_cents, held_cents, created_at)
        VALUES (1, 1, 'run:1', 'hold', 'a', 'b', 101, 100, 101, now())
        """,
        """
        INSERT INTO billing.ledger (id, org_id, cause, kind, debit_account, credit_account, amount_cents,
                                    balance_cents, held_cents, created_at)
        VALUES (1001, 1, 'run:1', 'hold', 'a', 'b', 1, 100, 1, now()),
               (1002, 99, 'run:2', 'hold', 'a', 'b', 1, 100, 1, now())
        """,
        "UPDATE billing.accounts SET org_id = 99",
        "DELETE FROM billing.accounts",
        "TRUNCATE billing.accounts CASCADE",
    ],
)
async def test_the_database_itself_refuses_to_change_the_past_or_overdraw(
    billing: Ear, test_database: TestDatabase, statement: str
) -> None:
    await billing.hear(deposited(100))
    connection = await asyncpg.connect(test_database.url("billing"))
    try:
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.RaiseError)):
            await connection.execute(statement)
    finally:
        await connection.close()
