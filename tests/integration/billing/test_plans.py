"""Billing reads what a poll is about, however many runs and entries there are."""

import pytest

from tests.integration.billing.conftest import deposited
from tests.support.databases import TestDatabase
from tests.support.ear import Ear
from tests.support.plans import assert_nothing_reads_too_much
from tests.support.some_events import completed, expired, failed, requested


async def live(billing: Ear) -> None:
    """Hear everything that billing hears, each in a poll of many."""
    await billing.hear(*(deposited(100_000, org_id=org_id, deposit_id=f"{org_id}") for org_id in (1, 2)))
    await billing.hear(*(requested(run, run + 1, org_id=run % 2 + 1) for run in range(10, 100, 2)))
    await billing.hear(*(requested(run, org_id=3) for run in range(200, 220)), expired(500))
    await billing.hear(*(completed(run, org_id=run % 2 + 1) for run in range(10, 40, 2)))
    await billing.hear(*(failed(run) for run in range(40, 60, 2)), *(expired(run) for run in range(60, 80, 2)))
    for event in (requested(300), completed(80), expired(82)):
        await billing.hear_garbage(event)


@pytest.mark.integration
async def test_no_statement_reads_the_books(billing: Ear, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(
        lambda: live(billing),
        test_database,
        "billing",
        statements_at_least=10,
        lost="ALTER TABLE billing.reservations DROP CONSTRAINT reservations_pkey",
    )


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_no_statement_reads_a_million_rows(billing: Ear, test_database: TestDatabase) -> None:
    await assert_nothing_reads_too_much(lambda: live(billing), test_database, "billing", rows=1_000_000)
