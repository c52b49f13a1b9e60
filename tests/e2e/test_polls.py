"""A poll is one transaction of set-based statements in every real service, as it is wired (promise 3)."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection
from shared.events.directory import AgentUpserted
from shared.events.event import Event
from shared.events.payments import FundsDeposited
from tests.support.some_events import requested
from tests.support.system import SERVICES, System
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

RECORDS = 200
# What was published before a service starts comes in one poll, or in two if a partition's answer was cut; and what is
# published while it reads may make one more.
TRANSACTIONS_AT_MOST = 4
WRITTEN = {
    "api": "api.agents",
    "scheduler": "scheduler.runs",
    "billing": "billing.accounts",
    "caller": "caller.attempts",
}

NOTE = """
CREATE SCHEMA noted;
CREATE TABLE noted.inserts (written text, transaction_id bigint);
CREATE FUNCTION noted.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO noted.inserts VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, txid_current());
    RETURN NULL;
END $$;
GRANT USAGE ON SCHEMA noted TO PUBLIC;
"""


def events() -> list[Event]:
    """What each service writes one row for."""
    too_late = datetime.now(UTC) - timedelta(minutes=1)  # nobody has to call: they are about the poll alone
    made: list[Event] = []
    for nth in range(1, RECORDS + 1):
        request = requested(nth)
        made += [
            AgentUpserted(org_id=1, agent_id=nth, name="Ann", connection=BuiltinConnection()),
            FundsDeposited(org_id=nth, deposit_id=f"first-{nth}", amount_cents=1),
            request,
            TestCallDispatched(
                run_id=nth,
                org_id=1,
                request_id=nth,
                batch_id=None,
                prompt="Ask.",
                direction="outbound",
                mode="bot",
                target=request.target,
                held_minutes=1,
                start_before=too_late,
            ),
        ]
    return made


async def test_a_poll_is_one_transaction_in_every_service(idle_system: System) -> None:
    system = idle_system
    await system.execute(NOTE)
    for table in WRITTEN.values():
        await system.execute(f"CREATE TRIGGER note AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION noted.note()")
    await system.platform.publish(events())
    for service in SERVICES:
        system.start(service)
    for service in SERVICES:
        table = WRITTEN[service]

        async def all_written(table: str = table) -> int:
            ((rows, transactions),) = await system.rows(
                "SELECT count(*), count(DISTINCT transaction_id) FROM noted.inserts WHERE written = $1", table
            )
            return int(transactions) if rows == RECORDS else 0

        transactions = await eventually(all_written, within_seconds=60, what=f"{service} wrote {RECORDS} rows")
        assert 1 <= transactions <= TRANSACTIONS_AT_MOST, f"{service}: {RECORDS} records in {transactions} transactions"
