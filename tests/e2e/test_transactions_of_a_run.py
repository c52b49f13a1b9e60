"""The transactions of one run at rest, as PostgreSQL counts them, are those that docs/architecture.md tells."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from deploy.provision.database import database_url
from shared.messaging.rounds import DELETE_AFTER_SECONDS
from tests.support.system import Org, System, a_call

pytestmark = pytest.mark.e2e

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
RUNS = 6
REST_SECONDS = 2.0  # longer than anything that is left for a little later, but for the deletions
TOLD_SECONDS = 11.0  # a session tells its commits when it goes on after a second, or has rested for ten
# What the services do at rest (announcements of room, looks at clocks and outboxes) is taken off, and is not always the
# same: it begins and ends somewhere in its rounds. It is shared by all runs of the measurement.
WRITING_MAY_BE_MORE_BY = 1.5
# 9.5 to 12.7 were measured where the table makes 13.2: what is taken off as rest has deletions of its own.
WRITING_MAY_BE_LESS_BY = 5.0
ALL_MAY_EXCEED_BY = 3.0


# Whose own ids would be counted with those of the services.
NO_AUTOVACUUM = """
DO $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT oid FROM pg_class
               WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('api', 'billing', 'caller', 'scheduler')
    LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', one);
    END LOOP;
END $$
"""


@dataclass(frozen=True)
class Told:
    """What the document tells: one row of its table for each transaction that writes, and how many there are in all.

    Those that are done once in a while are shared by the runs of that time.
    """

    writing: float
    in_all: int


def told() -> Told:
    part = DOCUMENT.read_text().partition("## The transactions of one run")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?:api|billing|scheduler|caller) \| ([^|]*) \|", part, re.MULTILINE)
    others_runs = rows.count("every five seconds") * max(0.0, 1 - REST_SECONDS / DELETE_AFTER_SECONDS)
    assert others_runs > 0
    totals = re.search(r"\*\*(\d+)\*\* that write, \*\*(\d+)\*\* in all", part)
    assert totals is not None
    assert int(totals[1]) == round(len(rows) - others_runs), "the table has a row for each transaction that writes"
    return Told(len(rows) - others_runs, int(totals[2]))


@dataclass(frozen=True)
class Counted:
    """Commits of a database, and transaction ids of the server: each transaction that writes takes one.

    A subtransaction that writes takes one as well; no service has any.
    """

    commits: int
    ids: int

    def per_run(self, idle: "Counted") -> "tuple[float, float]":
        """Return how many write and how many there are of each run, without what is done at rest."""
        return (self.ids - idle.ids) / RUNS, (self.commits - idle.commits) / RUNS


async def so_far(connection: asyncpg.Connection, database: str) -> Counted:
    row = await connection.fetchrow(
        "SELECT xact_commit, CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS ids"
        " FROM pg_stat_database WHERE datname = $1",
        database,
    )
    return Counted(row["xact_commit"], row["ids"])


async def counted(system: System, connection: asyncpg.Connection, org: Org | None) -> Counted:
    """Count for as long as `RUNS` runs take, each by itself; without an organisation there are none."""
    before = await so_far(connection, system.database.name)
    clock = asyncio.get_running_loop().time
    until = clock()
    for _ in range(RUNS):
        if org is not None:
            assert (await system.post(org, "/v1/test-calls", a_call(org))).status_code == 201
        until += REST_SECONDS
        await asyncio.sleep(until - clock())
    await asyncio.sleep(TOLD_SECONDS)
    after = await so_far(connection, system.database.name)
    return Counted(after.commits - before.commits, after.ids - before.ids)


async def test_a_single_run_at_rest_takes_the_transactions_that_the_document_tells(system: System) -> None:
    await system.execute(NO_AUTOVACUUM)
    org = await system.org()
    await system.post(org, "/v1/test-calls", a_call(org))  # the first one of a process prepares its statements
    await system.all_ended(org, runs=1)
    # Asked in another database, so that the questions are not counted.
    connection = await asyncpg.connect(database_url(system.database.server_url, "postgres"))
    try:
        await asyncio.sleep(TOLD_SECONDS)
        idle = await counted(system, connection, None)
        busy = await counted(system, connection, org)
    finally:
        await connection.close()
    await system.all_ended(org, runs=1 + RUNS)
    writing, in_all = busy.per_run(idle)
    document = told()
    figures = f"{writing:.1f} that write, {in_all:.1f} in all; at rest {idle}"
    assert -WRITING_MAY_BE_LESS_BY <= writing - document.writing <= WRITING_MAY_BE_MORE_BY, figures
    assert in_all <= document.in_all + ALL_MAY_EXCEED_BY, figures
