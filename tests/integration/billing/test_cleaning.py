"""What no record can ask for any more goes; what still may be asked for, and the ledger, stay."""

import pytest

from services.billing.edges.cleaner import clean_once
from services.billing.edges.kept import ANSWERS_KEPT_DAYS
from shared.db import cleaning
from shared.db.database import Database
from tests.integration.billing.conftest import deposited
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import completed, expired, requested

pytestmark = pytest.mark.integration

OLD, YOUNG = ANSWERS_KEPT_DAYS * 24 + 1, ANSWERS_KEPT_DAYS * 24 - 1


async def make_older(database: Database, hours: int) -> None:
    async with database.transaction() as transaction:
        for table, column in (("requests", "answered_at"), ("reservations", "changed_at"), ("ended_early", "noted_at")):
            await transaction.run(
                f"UPDATE {table} SET {column} = clock_timestamp() - make_interval(hours => :hours)", hours=hours
            )


async def counts(database: Database) -> dict[str, int]:
    async with database.reading() as transaction:
        return {
            table: await transaction.value(f"SELECT count(*) FROM {table}")
            for table in ("requests", "reservations", "ended_early", "ledger")
        }


async def a_history(billing: Ear) -> None:
    """Run 11 is charged, 12 released, 13 held; of 21 only its end was heard."""
    await billing.hear(deposited(100), *(requested(run_id) for run_id in (11, 12, 13)))
    await billing.hear(completed(11), expired(12), expired(21))


async def test_only_what_is_old_and_over_goes(billing: Ear, database: Database) -> None:
    await a_history(billing)
    await make_older(database, YOUNG)
    assert await clean_once(database) == 0
    await make_older(database, OLD)
    assert await clean_once(database) == 3
    assert await counts(database) == {"requests": 0, "reservations": 1, "ended_early": 0, "ledger": 6}
    await assert_the_ledger_is_sound(database)
    (settled,) = await billing.hear(completed(13))
    assert settled is not None, "what was held all the time is charged"


async def test_the_ledger_refuses_a_second_hold_for_a_run_that_billing_has_forgotten(
    billing: Ear, database: Database
) -> None:
    await a_history(billing)
    await make_older(database, OLD)
    await clean_once(database)
    before = await counts(database)
    await billing.hear(requested(11))
    assert billing.dead == ["test-call-requests-dlq"]
    assert (await counts(database))["ledger"] == before["ledger"]
    await assert_the_ledger_is_sound(database)


async def test_what_goes_on_among_the_oldest_does_not_stop_the_cleaning(
    billing: Ear, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "MAX_ROWS", 2)
    monkeypatch.setattr(cleaning, "MAX_LOOKED_AT", 6)
    await billing.hear(deposited(1_000), *(requested(run_id) for run_id in range(11, 20)))
    await billing.hear(*(completed(run_id) for run_id in range(14, 20)))  # 11 to 13 are held
    await make_older(database, OLD)
    assert [await clean_once(database) for _ in range(5)] == [2, 2, 2, 2, 1]
    assert await counts(database) == {"requests": 0, "reservations": 3, "ended_early": 0, "ledger": 16}
