"""The relay: publishes the outbox in id order and deletes what the broker has acknowledged.

One relay for each schema at a time holds a session-level advisory lock. A relay that loses its connection loses the
lock with it; what it had in flight may be published twice, which consumers are built for.
"""

import asyncio
import time
from contextlib import suppress

import asyncpg
from aiokafka import AIOKafkaProducer

from shared.events.envelope import Headers, header
from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.outbox import read_headers
from shared.process.pacing import Pacing
from shared.telemetry import logs, metrics, tracing

RELAY_LOCK = 7_203_552
MAX_BATCH_ROWS = 1_000
ROUND_SECONDS = 0.01
MAX_BATCH_BYTES = 16 * 1024 * 1024
PRODUCER_BATCH_BYTES = 512 * 1024
FALLBACK_POLL_SECONDS = 1.0
ELECTION_SECONDS = 2.0
BACK_OFF_SECONDS = (0.2, 0.5, 1, 2, 5)
CONNECT_SECONDS = 10
SEND_SECONDS = 30
FLUSH_SECONDS = 3
STEADY_AFTER_SECONDS = 60
STATEMENT_SECONDS = 30

log = logs.logger(__name__)

_TAKE = """
SELECT id, topic, key, value, headers, written_at FROM (
    SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) AS bytes_so_far,
           row_number() OVER (ORDER BY id) AS nth
    FROM (SELECT * FROM outbox ORDER BY id LIMIT $1) AS oldest
) AS counted
WHERE bytes_so_far <= $2 OR nth = 1
ORDER BY id
"""


class Relay:
    """Publishes one schema's outbox."""

    def __init__(self, *, database_url: str, schema: str, bootstrap: str, topic_prefix: str, service: str) -> None:
        self._database_url = database_url
        self._schema = schema
        self._bootstrap = bootstrap
        self._topic_prefix = topic_prefix
        self._service = service
        self._wake = asyncio.Event()
        self._leading = False
        self._ready = False
        self._pacing = Pacing(ROUND_SECONDS)
        self._flush: asyncio.Event | None = None

    @property
    def channel(self) -> str:
        """The NOTIFY channel on which other instances say that there is something to publish."""
        return f"rehearsal_outbox_{self._schema}"

    def poke(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    def is_leading(self) -> bool:
        """Say whether this instance publishes."""
        return self._leading

    def ready(self) -> bool:
        """Say whether this instance publishes, or stands by for the one that does."""
        return self._ready

    async def run(self) -> None:
        """Publish for ever; after a failure begin again, with back-off."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._serve()
            except Exception as error:
                if time.monotonic() - began > STEADY_AFTER_SECONDS:
                    failures = 0
                pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
                failures += 1
                metrics.RELAY_FAILURES.labels(self._service).inc()
                log.warning("relay begins again", extra={"error": logs.error_name(error), "pause_seconds": pause})
                await asyncio.sleep(pause)
            finally:
                self._leading = self._ready = False

    async def flush(self) -> None:
        """Wait until what is committed now is published, `FLUSH_SECONDS` at most; the rest is the next leader's."""
        if not self._leading:
            return
        flushed = self._flush = asyncio.Event()
        self.poke()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await flushed.wait()

    async def _serve(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={"search_path": self._schema, "application_name": f"{self._schema} relay", "jit": "off"},
        )
        try:
            await self._become_leader(connection)
            await connection.add_listener(self.channel, lambda *_: self.poke())
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=f"rehearsal-{self._service}",
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=PRODUCER_BATCH_BYTES,
                max_request_size=MAX_RECORD_BYTES + 64 * 1024,
                request_timeout_ms=SEND_SECONDS * 1_000,
            )
            try:
                await producer.start()
                self._leading = self._ready = True
                await self._publish_for_ever(connection, producer)
            finally:
                self._leading = self._ready = False
                with suppress(Exception):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await producer.stop()
        finally:
            connection.terminate()

    async def _become_leader(self, connection: asyncpg.Connection) -> None:
        question = "SELECT pg_try_advisory_lock($1, hashtext($2))"
        while not await connection.fetchval(question, RELAY_LOCK, self._schema):
            self._ready = True
            await asyncio.sleep(ELECTION_SECONDS)

    async def _publish_for_ever(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        while True:
            await self._pacing.begin()
            self._wake.clear()
            flush = self._flush  # read before the rows are: they must be seen by a round that began after it was asked
            if await self._publish_once(connection, producer) == 0:
                if flush is not None:
                    flush.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(FALLBACK_POLL_SECONDS):
                        await self._wake.wait()

    async def _publish_once(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
        rows = await connection.fetch(_TAKE, MAX_BATCH_ROWS, MAX_BATCH_BYTES)
        if not rows:
            return 0
        began = time.monotonic()
        spans: list[tracing.RunningSpan] = []
        acknowledged = []
        for row in rows:
            headers: Headers = read_headers(row["headers"])
            span = tracing.start_publishing(row["topic"], header(headers, "traceparent"))
            if span is not None:
                spans.append(span)
                headers = [(name, value) for name, value in headers if name != "traceparent"]
                headers.append(("traceparent", span.traceparent.encode()))
            topic = self._topic_prefix + row["topic"]
            acknowledged.append(await producer.send(topic, key=row["key"], value=row["value"], headers=headers))
        async with asyncio.timeout(SEND_SECONDS * 2):
            await asyncio.gather(*acknowledged)
        for span in spans:
            span.end()
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
        metrics.PUBLISHED.labels(self._service).inc(len(rows))
        metrics.PUBLISH_SECONDS.labels(self._service).observe(time.monotonic() - began)
        return len(rows)
