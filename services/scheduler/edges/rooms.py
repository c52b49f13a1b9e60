"""The workers' room, and dispatches that come back for want of it."""

from collections.abc import Mapping, Sequence

from services.scheduler import metrics
from services.scheduler.domain import limits
from services.scheduler.domain.run import Room
from shared.db.transaction import Transaction

# A repeated announcement is one row updated in place. Of two that are heard in the wrong order the later one counts,
# unless the worker would be thought to be gone by it: its clock may have been put back.
NOTE_ROOMS = """
WITH given AS (
    SELECT * FROM unnest(CAST(:workers AS text[]), CAST(:limits AS integer[]), CAST(:ups AS integer[]),
                         CAST(:ats AS timestamptz[])) AS g (worker_id, calls_limit, calls_up, announced_at)
), noted AS (
    INSERT INTO workers (worker_id, calls_limit, calls_up, announced_at, heard_at)
    SELECT given.*, LEAST(now(), announced_at + make_interval(secs => :announced_within_seconds)) FROM given
    ON CONFLICT (worker_id) DO UPDATE
    SET calls_limit = excluded.calls_limit, calls_up = excluded.calls_up, announced_at = excluded.announced_at,
        heard_at = excluded.heard_at
    WHERE workers.announced_at < excluded.announced_at
       OR workers.heard_at < now() - make_interval(secs => :heard_within_seconds)
)
SELECT EXISTS (
    SELECT FROM given LEFT JOIN workers USING (worker_id)
    WHERE workers.worker_id IS NULL OR workers.heard_at < now() - make_interval(secs => :heard_within_seconds)
       OR GREATEST(workers.calls_limit, workers.calls_up) <> GREATEST(given.calls_limit, given.calls_up)
)
"""

TAKE_BACK = """
WITH back AS (
    UPDATE runs SET status = 'queued', dispatch_no = given.dispatch_no
    FROM unnest(CAST(:runs AS bigint[]), CAST(:numbers AS integer[])) AS given (run_id, dispatch_no)
    -- A later number than ours is of before a rebuild: the next dispatch has to be later still.
    WHERE runs.run_id = given.run_id AND runs.status = 'dispatched' AND runs.dispatch_no <= given.dispatch_no
    RETURNING runs.org_id, runs.due_at
), freed AS (
    UPDATE orgs SET in_use = in_use - mine.runs, next_due_at = LEAST(next_due_at, mine.due_at)
    FROM (SELECT org_id, count(*) AS runs, min(due_at) AS due_at FROM back GROUP BY org_id) AS mine
    WHERE orgs.org_id = mine.org_id
)
SELECT count(*) FROM back
"""


class Rooms:
    """Workers and returns, on one transaction."""

    _transaction: Transaction

    async def note_rooms(self, rooms: Sequence[Room]) -> bool:
        return bool(
            await self._transaction.value(
                NOTE_ROOMS,
                workers=[one.worker_id for one in rooms],
                limits=[one.calls_limit for one in rooms],
                ups=[one.calls_up for one in rooms],
                ats=[one.announced_at for one in rooms],
                announced_within_seconds=limits.ROOM_ANNOUNCED_WITHIN_SECONDS,
                heard_within_seconds=limits.ROOM_HEARD_WITHIN_SECONDS,
            )
        )

    async def take_back(self, returned: Mapping[int, int]) -> None:
        runs = await self._transaction.value(TAKE_BACK, runs=list(returned), numbers=list(returned.values()))
        metrics.RETURNED.inc(runs)
