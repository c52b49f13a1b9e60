"""Whatever waits or is overdue, a claim reads what it takes, and the reaper keeps up.

Plans are those of production: generic, and made while the table was still empty or when its rows were known.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from services.caller.domain import limits
from services.caller.edges.db.claiming import CLAIM
from shared.db.database import Database
from shared.db.statement import compiled
from tests.integration.caller.instance import Caller
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ENDED_ATTEMPTS = 150_000
OVERDUE_ATTEMPTS = 50_000
OVERDUE_ORGS = 100
WAITING_ATTEMPTS = 50_000
SMALL_ORGS = 300
ROOM = 20
READ_AT_MOST = 2_000  # rows; the waiting ones of the large organisation alone are 50 000, and so are the overdue
BLOCKS_AT_MOST = 6_000

FILL = """
INSERT INTO attempts (run_id, org_id, dispatch, status, start_before, ended_at)
SELECT nth,
       CASE WHEN nth <= :overdue THEN 1000 + nth % :overdue_orgs
            WHEN nth % 100 = 0 THEN 2000 + nth / 100 % :small_orgs ELSE 1 END,
       '{}', CASE WHEN nth > :waiting THEN 'failed' ELSE 'waiting' END,
       now() + make_interval(secs => CASE WHEN nth > :overdue THEN 3600 + nth / 1000.0 ELSE -3600 + nth / 1000.0 END),
       CASE WHEN nth > :waiting THEN now() END
FROM generate_series(1, CAST(:all AS bigint)) AS nth
"""


async def fill(database: Database) -> None:
    """Attempts that ended, that are overdue, and that wait: of one large organisation and many small ones."""
    waiting = OVERDUE_ATTEMPTS + WAITING_ATTEMPTS
    async with database.transaction() as transaction:
        await transaction.run("SET LOCAL statement_timeout = '120s'")
        await transaction.run(
            FILL,
            overdue=OVERDUE_ATTEMPTS,
            waiting=waiting,
            all=waiting + ENDED_ATTEMPTS,
            overdue_orgs=OVERDUE_ORGS,
            small_orgs=SMALL_ORGS,
        )


@pytest.mark.parametrize("known", [False, True], ids=["planned while empty", "planned with statistics"])
async def test_a_claim_reads_what_it_takes(database: Database, known: bool) -> None:
    one = compiled(CLAIM)
    values = {"token": uuid4(), "room": ROOM, "orgs": limits.MAX_CLAIM_ORGS, "seconds": limits.LEASE_SECONDS}
    async with database.reading() as transaction:  # one connection: prepared statements belong to it
        await transaction.run(f"PREPARE claim AS {one.sql}")
        if not known:
            await transaction.rows(_execute(one.arguments({**values, "after_org": 0})))
        await fill(database)
        if known:
            await transaction.run("VACUUM ANALYZE attempts")
        for after_org in (0, 1050, 10**9):
            await transaction.run("BEGIN")
            explained = await transaction.value(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_execute(one.arguments({**values, 'after_org': after_org}))}"
            )
            await transaction.run("ROLLBACK")
            plan = (explained if isinstance(explained, list) else json.loads(explained))[0]["Plan"]
            read, blocks = _rows_read(plan), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            assert plan["Actual Rows"] == ROOM
            assert read < READ_AT_MOST, f"{read} rows read: {explained}"
            assert blocks < BLOCKS_AT_MOST, f"{blocks} blocks read: {explained}"


def _execute(arguments: Sequence[Any]) -> str:
    literals = ", ".join(f"'{value}'" for value in arguments)
    return f"EXECUTE claim({literals})"


def _rows_read(node: dict[str, Any]) -> int:
    """Rows of attempts that scans touched, those that a filter removed too."""
    own = 0
    if node.get("Relation Name") == "attempts" and "Scan" in node["Node Type"]:
        own = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return own + sum(_rows_read(child) for child in node.get("Plans", []))


async def test_the_reaper_keeps_up_with_fifty_thousand_at_once(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(caller.database)
    monkeypatch.setattr(limits, "REAP_EVERY_SECONDS", 3_600)  # one look, not one after the other
    reaping = asyncio.create_task(caller.worker.reaper.reap_for_ever())

    async def none_left() -> bool:
        overdue = "SELECT count(*) FROM attempts WHERE ended_at IS NULL AND start_before < now()"
        return bool(await caller.value(overdue) == 0)

    await eventually(none_left, within_seconds=90, what="all that is overdue was given up")
    assert await caller.value("SELECT count(*) FROM attempts WHERE ended_at IS NULL") == WAITING_ATTEMPTS
    assert await caller.value("SELECT count(*) FROM outbox") == OVERDUE_ATTEMPTS
    reaping.cancel()
    await asyncio.gather(reaping, return_exceptions=True)
