"""Takes recordings away when their time is over: first out of sight, then out of the store, then out of the table.

Whatever dies in between, the next round goes on: an object that is gone already is as good as deleted.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.api import metrics
from shared.db.database import Database
from shared.db.transaction import Row
from shared.recordings.names import PEAKS_SUFFIX, SOUND_SUFFIX
from shared.recordings.store import Listed, RecordingStore

TIDY_EVERY_SECONDS = 600.0
LOOK_EVERY_ROUNDS = 36  # everything that lies in the store is looked at four times a day
ROWS_AT_ONCE = 200
LOST_AFTER_DAYS = 3  # longer than a caller tries to store one
MODE_LOST = "recording_failed_before_capture"

_DOOM = """
UPDATE recordings SET doomed_at = clock_timestamp() WHERE call_id IN (
    SELECT call_id FROM recordings
    WHERE heard_at < now() - make_interval(days => :days) AND doomed_at IS NULL
    ORDER BY heard_at LIMIT :rows FOR UPDATE SKIP LOCKED
)
"""
_NEVER_CAME = """
SELECT call_id FROM recordings WHERE NOT is_settled AND heard_at < now() - make_interval(days => :days)
ORDER BY heard_at LIMIT :rows
"""
# Calls before their recordings, as the picture locks them; what was settled meanwhile stays.
_LOSE = (
    "SELECT FROM calls WHERE call_id = ANY(CAST(:ids AS bigint[])) ORDER BY call_id FOR NO KEY UPDATE",
    f"""
    UPDATE recordings SET mode = '{MODE_LOST}', is_settled = true
    WHERE call_id = ANY(CAST(:ids AS bigint[])) AND NOT is_settled
    """,  # noqa: S608 - a constant
    """
    UPDATE calls SET recording_mode = recordings.mode
    FROM recordings WHERE calls.call_id = ANY(CAST(:ids AS bigint[])) AND recordings.call_id = calls.call_id
    """,
)


async def tidy_for_ever(database: Database, store: RecordingStore | None, kept_days: int | None) -> None:
    """Tidy now and then."""
    rounds = 0
    while True:
        await asyncio.sleep(TIDY_EVERY_SECONDS)
        while await tidy_once(database, store, kept_days) >= ROWS_AT_ONCE:
            pass
        if store is not None and rounds % LOOK_EVERY_ROUNDS == 0:
            metrics.RECORDINGS_ORPHANED.set(await look_for_orphans(database, store, kept_days))
        rounds += 1


async def tidy_once(database: Database, store: RecordingStore | None, kept_days: int | None) -> int:
    """Doom what is too old, give up what never came, delete what is doomed; return the most that went of one kind."""
    async with database.transaction() as transaction:
        lost = [row.call_id for row in await transaction.rows(_NEVER_CAME, days=LOST_AFTER_DAYS, rows=ROWS_AT_ONCE)]
        for statement in _LOSE if lost else ():
            await transaction.run(statement, ids=lost)
        doomed = 0 if kept_days is None else await transaction.run(_DOOM, days=kept_days, rows=ROWS_AT_ONCE)
    if store is None:
        return max(len(lost), doomed)
    async with database.reading() as transaction:
        rows: Sequence[Row] = await transaction.rows(
            """
            SELECT call_id, name, peaks_name FROM recordings WHERE doomed_at IS NOT NULL ORDER BY doomed_at LIMIT :rows
            """,
            rows=ROWS_AT_ONCE,
        )
    if rows:
        await store.delete([name for row in rows for name in (row.name, row.peaks_name) if name is not None])
        async with database.transaction() as transaction:
            await transaction.run(
                "DELETE FROM recordings WHERE call_id = ANY(CAST(:ids AS bigint[])) AND doomed_at IS NOT NULL",
                ids=[row.call_id for row in rows],
            )
        metrics.RECORDINGS_DELETED.inc(len(rows))
    return max(len(lost), doomed, len(rows))


async def look_for_orphans(database: Database, store: RecordingStore, kept_days: int | None) -> int:
    """Count objects that no row names, younger ones left out: theirs may be on its way.

    They are deleted only where recordings are, and when even the youngest row of theirs would be gone by now: a
    database that was put back to an earlier state must not cost anybody what it has forgotten.
    """
    found = 0
    now = datetime.now(UTC)
    async for page in store.listed():
        old = [one for one in page if now - one.modified_at > timedelta(days=LOST_AFTER_DAYS)]
        known = await _known(database, {_sound_of(one.name) for one in old})
        orphans = [one for one in old if _sound_of(one.name) not in known]
        found += len(orphans)
        if kept_days is not None:
            await store.delete([one.name for one in orphans if _is_over(one, now, kept_days)])
    return found


def _is_over(one: Listed, now: datetime, kept_days: int) -> bool:
    return now - one.modified_at > timedelta(days=kept_days + LOST_AFTER_DAYS)


def _sound_of(name: str) -> str:
    """Return the name of the recording that an object belongs to."""
    return name.removesuffix(PEAKS_SUFFIX) + SOUND_SUFFIX if name.endswith(PEAKS_SUFFIX) else name


async def _known(database: Database, names: set[str]) -> set[str]:
    if not names:
        return set()
    async with database.reading() as transaction:
        rows = await transaction.rows(
            "SELECT name FROM recordings WHERE name = ANY(CAST(:names AS text[]))", names=sorted(names)
        )
    return {row.name for row in rows}
