"""Waits for runs and batches to end: one look at the tables for all who wait, whichever instance hears of the end."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from services.api import metrics
from services.api.edges.db.reads import STATEMENT_TIMEOUT_MS, SqlReads
from services.api.edges.db.turns import Turns
from services.api.ports import Awaited
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.db.group_commit import Overloaded
from shared.telemetry import logs

LOOK_SECONDS = 0.25
WAITING = 4_000  # fewer than there are connections: others are served beside them
WAITING_OF_ORG = 2_000
CONNECTIONS = 2  # one for the look, one for what is answered
ANSWER_SECONDS = 20.0  # what one who waited waits at most for its turn to be answered

ENDED = """
SELECT 'run' AS kind, org_id, id FROM runs
WHERE id = ANY(CAST(:runs AS bigint[])) AND completed_at IS NOT NULL
UNION ALL
SELECT 'batch', org_id, id FROM batches
WHERE id = ANY(CAST(:batches AS bigint[])) AND completed_at IS NOT NULL
"""

log = logs.logger(__name__)


def database_of_waits(url: str) -> Database:
    """Return a pool for those who wait: however many they are, nobody else waits for a connection."""
    settings = {"statement_timeout": str(STATEMENT_TIMEOUT_MS)}
    return Database(url, schema="api", pool_connections=CONNECTIONS, settings=settings)


def turns_of_waits() -> Turns:
    """Return the turns in which those who wait are answered, an organisation after the other."""
    return Turns(at_once=1, at_once_of_org=1, waiting_of_org=WAITING_OF_ORG, wait_seconds=ANSWER_SECONDS)


class Watch:
    """Looks while anybody waits. `reads` is what is answered with; `run` has to run."""

    def __init__(self, database: Database, reads: SqlReads) -> None:
        self.reads = reads
        self._database = database
        self._waiting: dict[Awaited, set[asyncio.Future[None]]] = {}
        self._of_org: Counter[int] = Counter()
        self._somebody = asyncio.Event()
        self._released = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._of_org.total()

    async def run(self) -> None:
        """Look for ever. A look that fails is followed by the next; who waits is let go in its time all the same."""
        while True:
            await self._somebody.wait()
            try:
                self._let_go(await self._ended())
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("could not look for ends", extra={"error": logs.error_name(error)})
            await asyncio.sleep(LOOK_SECONDS)

    async def ended(self, awaited: Awaited, seconds: float) -> None:
        """Wait until it has ended, the time is over or everybody is released. Raises Overloaded if too many wait."""
        org_id = awaited.org_id
        if self._released:
            return
        if self._of_org[org_id] >= WAITING_OF_ORG or self.waiting >= WAITING:
            raise Overloaded(f"{self._of_org[org_id]} requests of the organisation are waiting already")
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(awaited, set()).add(over)
        self._count(org_id, 1)
        self._somebody.set()
        try:
            await asyncio.wait({over}, timeout=seconds)
        finally:
            self._count(org_id, -1)
            mine = self._waiting[awaited]
            mine.discard(over)
            if not mine:
                del self._waiting[awaited]
            if not self._waiting:
                self._somebody.clear()

    def release(self) -> None:
        """Let everybody go, and let nobody wait any more: this instance is told to stop."""
        self._released = True
        self._let_go(tuple(self._waiting))

    async def _ended(self) -> list[Awaited]:
        ids = {kind: sorted({one.id for one in self._waiting if one.kind == kind}) for kind in ("run", "batch")}
        async with self._database.reading() as transaction:
            rows = await transaction.rows(ENDED, runs=ids["run"], batches=ids["batch"])
        return [Awaited(row.kind, row.org_id, row.id) for row in rows]

    def _let_go(self, these: Iterable[Awaited]) -> None:
        for one in these:
            for over in self._waiting.get(one, ()):
                if not over.done():
                    over.set_result(None)

    def _count(self, org_id: int, change: int) -> None:
        self._of_org[org_id] += change
        self._of_org += Counter()  # forgets organisations that have none
        metrics.WAITING.set(self.waiting)
