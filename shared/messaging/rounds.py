"""The rounds of a leading relay: take rows, send them, delete what was acknowledged, set aside what can't be sent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby

import asyncpg
from aiokafka import AIOKafkaProducer

from shared.messaging.aside import set_aside
from shared.messaging.sending import Refused, Sending, TopicAway
from shared.telemetry import logs, metrics

MAX_BATCH_ROWS = 1_000
MAX_BATCH_BYTES = 16 * 1024 * 1024
ROUND_PATIENCE_SECONDS = 1.0
AWAY_SECONDS = 5.0
WIND_UP_SECONDS = 2.0

log = logs.logger(__name__)

# A topic that is still being sent, or that can't be written to now, waits without those of others waiting behind it.
_TAKE = """
SELECT id, topic, key, value, headers FROM (
    SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) AS bytes_so_far,
           row_number() OVER (ORDER BY id) AS nth
    FROM (SELECT * FROM outbox WHERE topic <> ALL($3::text[]) ORDER BY id LIMIT $1) AS oldest
) AS counted
WHERE bytes_so_far <= $2 OR nth = 1
ORDER BY topic, id
"""


class Rounds:
    """What a relay does between becoming the leader and losing its connection or its producer."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        producer: AIOKafkaProducer,
        sending: Sending,
        away_until: dict[str, float],
        *,
        service: str,
        poke: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._producer = producer
        self._sending = sending
        self._away_until = away_until
        self._service = service
        self._poke = poke
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def idle(self) -> bool:
        """Say whether nothing is being sent."""
        return not self._tasks

    async def once(self) -> int:
        """Begin to send what there is, each topic for itself; return how many rows. Raises what a restart may mend.

        A topic that the broker does not answer for is left to itself after `ROUND_PATIENCE_SECONDS`.
        """
        began = time.monotonic()
        away = [topic for topic, until in self._away_until.items() if until > began]
        rows = await self._connection.fetch(_TAKE, MAX_BATCH_ROWS, MAX_BATCH_BYTES, [*self._tasks, *away])
        begun = []
        for topic, some in groupby(rows, key=lambda row: row["topic"]):
            task = asyncio.create_task(self._sending.send(self._producer, topic, list(some)))
            task.add_done_callback(lambda _: self._poke())
            self._tasks[topic] = task
            begun.append(task)
        if begun:
            await asyncio.wait(begun, timeout=ROUND_PATIENCE_SECONDS)
        done = [topic for topic, task in self._tasks.items() if task.done()]  # the others may end while this settles
        if await self._settle():
            metrics.PUBLISH_SECONDS.labels(self._service).observe(time.monotonic() - began)
        self._conclude(done)
        return len(rows)

    async def _settle(self) -> int:
        """Delete what was acknowledged; set aside what can't be sent."""
        acknowledged, self._sending.acknowledged = self._sending.acknowledged, []
        at_fault, self._sending.at_fault = self._sending.at_fault, {}
        if acknowledged:
            await self._connection.execute("DELETE FROM outbox WHERE id = ANY($1)", acknowledged)
            metrics.PUBLISHED.labels(self._service).inc(len(acknowledged))
        if at_fault:
            await set_aside(self._connection, at_fault)
            metrics.SET_ASIDE.labels(self._service).inc(len(at_fault))
            for row_id, reason in at_fault.items():
                log.critical("outbox row set aside", extra={"row": row_id, "reason": reason})
        return len(acknowledged)

    def _conclude(self, done: Sequence[str]) -> None:
        """Let go of topics whose acknowledgements are settled. Raises what a new producer may mend."""
        failure: BaseException | None = None
        for topic in done:
            error = self._tasks.pop(topic).exception()
            if error is None:
                continue
            if not isinstance(error, Refused) or not error.blames_records:
                self._away_until[topic] = time.monotonic() + AWAY_SECONDS
                log.error("topic not written to", extra={"topic": topic, "error": logs.error_name(error)})
            if not isinstance(error, TopicAway):
                failure = error
        if failure is not None:
            raise failure

    async def wind_up(self) -> None:
        """End. What was acknowledged is not to be sent again, whatever becomes of the rest."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=WIND_UP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await self._settle()
