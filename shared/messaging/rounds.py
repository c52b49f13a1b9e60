"""What a leading relay does: send what is committed here, read what others wrote, delete what was acknowledged.

Events go from memory as they are committed, each topic for itself. The table is read where memory does not know all of
it: at the beginning, when others have written, after a commit of which nobody knows the outcome, and when more came
than memory is to hold. While `_behind`, what is committed is left to the table, so that nothing passes by an older row.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import asyncpg
from aiokafka import AIOKafkaProducer

from shared.messaging.aside import Backlog, look, set_aside
from shared.messaging.handover import Handover, Row
from shared.messaging.lanes import Lane
from shared.messaging.lease import Lease
from shared.messaging.sending import LeaseRanOut, Refused, Sending, TopicAway
from shared.telemetry import logs, metrics

MAX_READ_ROWS = 1_000
MAX_READ_BYTES = 16 * 1024 * 1024
LOOK_SECONDS = 1.0  # rows that nobody announced are looked for so often
DELETE_AFTER_ROWS, DELETE_AFTER_SECONDS = 2_000, 5.0  # acknowledged ones: a crash publishes them twice
AWAY_SECONDS = 5.0
WIND_UP_SECONDS = 2.0

log = logs.logger(__name__)

_READ = """
SELECT id, topic, key, value, headers, found FROM (
    SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) AS bytes_so_far,
           row_number() OVER (ORDER BY id) AS nth, count(*) OVER () AS found
    FROM (
        SELECT * FROM outbox
        WHERE topic <> ALL($3::text[]) AND id NOT IN (SELECT unnest($4::bigint[]))
        ORDER BY id LIMIT $1
    ) AS oldest
) AS counted
WHERE bytes_so_far <= $2 OR nth = 1
ORDER BY id
"""


async def read(
    connection: asyncpg.Connection, *, limit: int, stay: Sequence[str] = (), known: Sequence[int] = ()
) -> Sequence[asyncpg.Record]:
    """Return the oldest rows, `limit` and `MAX_READ_BYTES` at most, but for topics that `stay` and ids that are known.

    `found` in each: how many there were but for the limit of bytes.
    """
    rows: Sequence[asyncpg.Record] = await connection.fetch(_READ, limit, MAX_READ_BYTES, stay, known)
    return rows


async def delete(connection: asyncpg.Connection, ids: Sequence[int]) -> None:
    """Forget what the broker has."""
    await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", ids)


class Rounds:
    """What a relay does between becoming the leader and losing its connection or its producer."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        producer: AIOKafkaProducer,
        *,
        sending: Sending,
        handover: Handover,
        lease: Lease,
        away_until: dict[str, float],
        service: str,
        wake: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._producer = producer
        self._sending = sending
        self._handover = handover
        self._lease = lease
        self._away_until = away_until
        self._service = service
        self._wake = wake
        self._lanes: dict[str, Lane] = {}
        self._behind = True
        self._flushing = False
        self._looked_at = self._kept_since = float("-inf")
        self._meanwhile: list[Row] | None = None  # committed while the table was being read

    def take(self, rows: Sequence[Row]) -> None:
        """Send what was committed here; leave it to the table while that has older rows."""
        if self._meanwhile is not None:
            self._meanwhile.extend(rows)
        elif self._behind:
            self._wake()
        else:
            self._queue(rows)

    def announce(self) -> None:
        """Read the table: there may be something in it that memory does not know."""
        self._behind = True
        self._wake()

    def rest_seconds(self) -> float:
        """Return for how long nothing is due."""
        return max(0.0, self._looked_at + LOOK_SECONDS - time.monotonic())

    async def once(self, flush: asyncio.Event | None) -> Backlog | None:
        """Do what is due, and set `flush` when nothing is left to do; tell how the table stands if it was looked at.

        Raises what a new producer or a new connection may mend.
        """
        self._flushing = flush is not None
        failed = self._failed()  # before what these had acknowledged is settled: others may fail meanwhile
        due, backlog = self._flushing or not self.rest_seconds(), None
        if self._flushing or self._much_to_settle() or (due and self._long_kept()):
            await self._settle()
        self._conclude(failed)
        if due:
            self._handover.give_up_waiting()
            acknowledged = self._sending.acknowledged
            backlog = await self._lease.ask(look(self._connection, self._known(), acknowledged))
            self._behind |= backlog.unknown
            self._looked_at = time.monotonic()
            if not acknowledged:
                self._kept_since = self._looked_at
        if self._behind or flush is not None:
            found = await self._read()
            if flush is not None and not found and not self._held():
                flush.set()
        return backlog

    async def wind_up(self) -> None:
        """End. What was acknowledged is not to be sent again, whatever becomes of the rest."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=WIND_UP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await self._settle()

    def _held(self) -> list[int]:
        """Return the rows of the table that memory knows of."""
        unsent = [row.id for lane in self._lanes.values() for row in lane.rows()]
        return [*unsent, *self._sending.acknowledged, *self._sending.at_fault]

    def _known(self) -> list[int]:
        return [*self._held(), *self._handover.ids()]

    async def _read(self) -> int:
        """Take the oldest rows that are not known, and return how many there were.

        Those of topics that can't take any now stay where they are.
        """
        now = time.monotonic()
        stay = [topic for topic, until in self._away_until.items() if until > now]
        stay += [topic for topic, lane in self._lanes.items() if lane.full()]
        self._behind, self._meanwhile = False, []
        try:
            found = await self._lease.ask(read(self._connection, limit=MAX_READ_ROWS, stay=stay, known=self._known()))
        finally:
            meanwhile, self._meanwhile = self._meanwhile, None
        rows = {one["id"]: Row(*one[:5]) for one in found}
        more = any(one["found"] == MAX_READ_ROWS or one["found"] > len(found) for one in found[:1])
        if more or stay or self._handover.in_doubt():
            self._behind = True
        if not self._behind:
            rows |= {row.id: row for row in meanwhile}
        elif more or meanwhile:
            self._wake()
        known = set(self._known())
        self._queue([rows[row_id] for row_id in sorted(rows) if row_id not in known], older=True)
        return len(found)

    def _queue(self, rows: Sequence[Row], *, older: bool = False) -> None:
        """Let rows wait for the broker, `older` ones perhaps than those that wait already."""
        lanes = set[Lane]()
        for row in rows:
            lane = self._lanes.get(row.topic)
            if lane is None:
                lane = Lane(row.topic, self._sending, self._producer, service=self._service, ended=self._ended)
                self._lanes[row.topic] = lane
            if lane.full() or self._away_until.get(row.topic, 0.0) > time.monotonic():
                self.announce()  # the table keeps what memory does not
                break
            lane.add(row)
            lanes.add(lane)
        for lane in lanes:
            if older:
                lane.sort()
            lane.go()

    def _ended(self) -> None:
        """Look whether there is something to do, now that a topic has nothing left to send or has failed."""
        if self._behind or self._flushing or self._much_to_settle() or self._failed():
            self._wake()

    def _failed(self) -> dict[str, Exception]:
        return {topic: lane.failure for topic, lane in self._lanes.items() if lane.failure}

    def _much_to_settle(self) -> bool:
        return bool(self._sending.at_fault) or len(self._sending.acknowledged) >= DELETE_AFTER_ROWS

    def _long_kept(self) -> bool:
        return time.monotonic() - self._kept_since >= DELETE_AFTER_SECONDS

    async def _settle(self) -> None:
        """Delete what was acknowledged; set aside what can't be sent. Neither is forgotten before that is done."""
        acknowledged, at_fault = list(self._sending.acknowledged), dict(self._sending.at_fault)
        if acknowledged:
            self._kept_since = time.monotonic()  # what is acknowledged meanwhile
            await self._lease.ask(delete(self._connection, acknowledged))
            del self._sending.acknowledged[: len(acknowledged)]
            metrics.PUBLISHED.labels(self._service).inc(len(acknowledged))
        if at_fault:
            await self._lease.ask(set_aside(self._connection, at_fault))
            metrics.SET_ASIDE.labels(self._service).inc(len(at_fault))
            for row_id, reason in at_fault.items():
                del self._sending.at_fault[row_id]
                log.critical("outbox row set aside", extra={"row": row_id, "reason": reason})

    def _conclude(self, failed: Mapping[str, Exception]) -> None:
        """Leave what failed topics have not sent to the table. Raises what a new producer may mend."""
        failure: Exception | None = None
        for topic, error in failed.items():
            del self._lanes[topic]
            self._behind = True
            if not isinstance(error, LeaseRanOut) and not (isinstance(error, Refused) and error.blames_records):
                self._away_until[topic] = time.monotonic() + AWAY_SECONDS
                log.error("topic not written to", extra={"topic": topic, "error": logs.error_name(error)})
            if not isinstance(error, TopicAway):
                failure = error
        if failure is not None:
            raise failure
