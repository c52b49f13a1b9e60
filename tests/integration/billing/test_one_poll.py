"""Whatever a poll says of an account or a hold, its row is written once."""

from collections import Counter

import asyncpg
import pytest

from shared.db.database import Database
from shared.events.billing import BalanceChanged, ChargeSettled, FundsReserved, ReservationReleased
from tests.integration.billing.conftest import adjusted, deposited
from tests.support.databases import TestDatabase
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import completed, expired, failed, of, requested

pytestmark = pytest.mark.integration

NOTE = """
CREATE TABLE public.noted (what text);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN INSERT INTO public.noted VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON billing.accounts FOR EACH ROW EXECUTE FUNCTION public.note();
CREATE TRIGGER note AFTER INSERT ON billing.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.note();
CREATE TRIGGER note AFTER INSERT ON billing.requests FOR EACH STATEMENT EXECUTE FUNCTION public.note();
CREATE TRIGGER note AFTER INSERT OR UPDATE ON billing.reservations FOR EACH STATEMENT EXECUTE FUNCTION public.note();
"""


async def statuses(database: Database) -> dict[int, str]:
    async with database.reading() as transaction:
        return {row.run_id: row.status for row in await transaction.rows("SELECT run_id, status FROM reservations")}


async def test_each_account_is_written_once_and_each_table_by_one_statement(
    billing: Ear, database: Database, test_database: TestDatabase
) -> None:
    for org_id in (1, 2):
        await billing.hear(
            deposited(1_000, org_id=org_id), requested(*range(10 * org_id, 10 * org_id + 4), org_id=org_id)
        )
    connection = await asyncpg.connect(test_database.admin_url)
    try:
        await connection.execute(NOTE)
        await billing.hear(
            *(deposited(5, org_id=org_id, deposit_id="second") for org_id in (1, 2)),
            *(adjusted(-5, org_id=org_id) for org_id in (1, 2)),
            *(requested(100 * org_id, 100 * org_id + 1, org_id=org_id) for org_id in (1, 2)),
            *(expired(10 * org_id, org_id=org_id) for org_id in (1, 2)),
            *(completed(10 * org_id + 1, org_id=org_id) for org_id in (1, 2)),
            *(failed(10 * org_id + 2, org_id=org_id) for org_id in (1, 2)),
        )
        noted = Counter(row["what"] for row in await connection.fetch("SELECT what FROM noted"))
    finally:
        await connection.close()
    assert noted == {
        "UPDATE accounts": 2,
        "INSERT ledger": 1,
        "INSERT requests": 1,
        "INSERT reservations": 1,
        "UPDATE reservations": 1,
    }
    await assert_the_ledger_is_sound(database)


async def test_a_run_may_be_held_for_and_ended_in_one_poll(billing: Ear, database: Database) -> None:
    said = await billing.hear(deposited(100), requested(11, 12, 13), completed(11), failed(12), expired(13), failed(11))
    assert [type(one) for one in said] == [
        BalanceChanged,
        FundsReserved,
        ReservationReleased,
        ChargeSettled,
        ReservationReleased,
    ]
    assert [entry.run_id for one in said for entry in one.entries] == [None, 11, 12, 13, 13, 11, 12]  # type: ignore[attr-defined]
    (settled,) = of(said, ChargeSettled)
    assert (settled.account.balance_cents, settled.account.held_cents) == (84, 16)
    assert await statuses(database) == {11: "posted", 12: "voided", 13: "voided"}
    await assert_the_ledger_is_sound(database)


async def test_what_was_ended_in_one_poll_stays_ended_in_the_next(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11, 12), completed(11))
    (released,) = await billing.hear(completed(11), failed(11), expired(12), completed(12))
    assert isinstance(released, ReservationReleased)
    assert (released.run_id, released.account.held_cents) == (12, 0)
    assert await statuses(database) == {11: "posted", 12: "voided"}
    await assert_the_ledger_is_sound(database)


async def test_a_request_that_billing_has_forgotten_takes_no_hold_away(billing: Ear, database: Database) -> None:
    """Also where its poll ends its run, and although there is nothing left to be held for it."""
    await billing.hear(deposited(16), requested(11))
    async with database.transaction() as transaction:
        await transaction.run("DELETE FROM requests")
    assert len(of(await billing.hear(requested(11), completed(11)), ChargeSettled)) == 1
    assert billing.dead == ["test-call-requests-dlq"]
    assert await statuses(database) == {11: "posted"}
    await assert_the_ledger_is_sound(database)
