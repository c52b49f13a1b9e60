"""The relay: publishes what was committed, and deletes from the outbox what the broker has acknowledged.

One relay for each schema at a time holds a session-level advisory lock. A relay that loses its connection loses the
lock with it; what it had in flight may be published twice, which consumers are built for. The lock is a lease: a
session that asks nothing for `LEASE_SECONDS` is ended by PostgreSQL, however alive its host may look from there.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import asyncpg

from shared.db.liveness import LiveConnection, server_settings
from shared.db.transaction import Outcome
from shared.messaging.aside import Backlog, look, set_aside
from shared.messaging.handover import Handover, Row
from shared.messaging.lease import Lease, now
from shared.messaging.producing import producing
from shared.messaging.rounds import Rounds, delete, read
from shared.messaging.sending import Refused, Sending
from shared.process.pacing import Pacing
from shared.telemetry import logs, metrics

RELAY_LOCK = 7_203_552
READ_SECONDS = 0.01
ELECTION_SECONDS = 2.0
LEASE_SECONDS = 15.0
BACK_OFF_SECONDS = (0.2, 0.5, 1, 2, 5)
CONNECT_SECONDS = 10
FLUSH_SECONDS = 3
STEADY_AFTER_SECONDS = 60
STATEMENT_SECONDS = 20
BROKER_ANSWERED_WITHIN_SECONDS = 15.0
OLDEST_ROW_SECONDS = 30.0

log = logs.logger(__name__)


class Relay:
    """Publishes one schema's outbox."""

    def __init__(
        self,
        *,
        database_url: str,
        schema: str,
        bootstrap: str,
        topic_prefix: str,
        service: str,
        lease_seconds: float = LEASE_SECONDS,
        oldest_row_seconds: float = OLDEST_ROW_SECONDS,
    ) -> None:
        self._database_url = database_url
        self._schema = schema
        self._bootstrap = bootstrap
        self._service = service
        self._lease = Lease(lease_seconds)
        self._oldest_row_seconds = oldest_row_seconds
        self._wake = asyncio.Event()
        self._leading = self._serving = False
        self._pacing = Pacing(READ_SECONDS)
        self._flush: asyncio.Event | None = None
        self._handover = Handover()
        self._sending = Sending(topic_prefix, self._lease.surely_ours)
        self._away_until: dict[str, float] = {}
        self._looked_at = self._broker_answered_at = float("-inf")
        self._backlog = Backlog(0.0, 0, False)

    @property
    def channel(self) -> str:
        """The NOTIFY channel on which other instances say that there is something to publish."""
        return f"rehearsal_outbox_{self._schema}"

    def commit_asked(self, rows: Sequence[Row]) -> Outcome:
        """Get ready to publish rows whose commit is asked for."""
        return self._handover.ask(rows)

    def is_leading(self) -> bool:
        """Say whether this instance publishes."""
        return self._leading

    def ready(self) -> bool:
        """Say whether what is written gets published, by this instance or by the one that it stands by for."""
        return not self.complaints()

    def complaints(self) -> list[str]:
        """Return why it is not ready, a sentence each."""
        oldest_seconds = self._backlog.oldest_seconds
        if oldest_seconds > 0:
            oldest_seconds += now() - self._looked_at
        found = {
            "not connected": not self._serving,
            "the broker does not answer": now() - self._broker_answered_at > BROKER_ANSWERED_WITHIN_SECONDS,
            f"the oldest row is {oldest_seconds:.0f} s old": oldest_seconds > self._oldest_row_seconds,
        }
        return [sentence for sentence, true in found.items() if true]

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
                self._leading = self._serving = False

    async def flush(self) -> None:
        """Wait until what is committed now is published, `FLUSH_SECONDS` at most; the rest is the next leader's."""
        if not self._leading:
            return
        self._flush = asyncio.Event()
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._flush.wait()
        self._flush = None

    async def _serve(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            max_cached_statement_lifetime=0,  # prepared once, see `_prepare`
            connection_class=LiveConnection,
            server_settings=server_settings(self._schema, f"{self._schema} relay")
            | {"idle_session_timeout": f"{self._lease.seconds * 1_000:.0f}"},
        )
        try:
            self._looked(await look(connection))
            await _prepare(connection)
            await connection.add_listener(self.channel, lambda *_: self._handover.announce())
            while True:
                await self._produce(connection)
        finally:
            connection.terminate()

    async def _produce(self, connection: asyncpg.Connection) -> None:
        """Stand by or publish for as long as the producer is good. Returns when another one is to be tried at once."""
        async with producing(
            self._bootstrap, client_id=f"rehearsal-{self._service}", broker_answered=self._broker_answered
        ) as producer:
            self._serving = True
            await self._become_leader(connection)
            rounds = Rounds(
                connection,
                producer,
                sending=self._sending,
                handover=self._handover,
                lease=self._lease,
                away_until=self._away_until,
                service=self._service,
                wake=self._wake.set,
            )
            self._handover.taker = rounds
            try:
                await self._publish_for_ever(rounds)
            except Refused as refused:
                if not refused.blames_records:
                    raise
                log.warning("the broker refused records", extra={"error": str(refused)})
            finally:
                self._handover.taker = None
                await rounds.wind_up()

    async def _become_leader(self, connection: asyncpg.Connection) -> None:
        question = "SELECT pg_try_advisory_lock($1, hashtext($2))"
        while not await self._lease.ask(connection.fetchval(question, RELAY_LOCK, self._schema)):
            await asyncio.sleep(ELECTION_SECONDS)
            self._looked(await look(connection))
        self._leading = True

    async def _publish_for_ever(self, rounds: Rounds) -> None:
        while True:
            await self._pacing.begin()
            self._wake.clear()
            backlog = await rounds.once(self._flush)
            if backlog is not None:
                self._looked(backlog)
            with suppress(TimeoutError):
                async with asyncio.timeout(rounds.rest_seconds()):
                    await self._wake.wait()

    def _broker_answered(self) -> None:
        self._broker_answered_at = now()

    def _looked(self, backlog: Backlog) -> None:
        self._backlog, self._looked_at = backlog, now()
        metrics.OUTBOX_OLDEST_SECONDS.labels(self._service).set(backlog.oldest_seconds)
        metrics.OUTBOX_ASIDE.labels(self._service).set(backlog.aside)


async def _prepare(connection: asyncpg.Connection) -> None:
    """Ask once, of nothing, all that a leader asks.

    asyncpg asks what is new in two pieces. Between them a session is neither idle nor in a transaction to PostgreSQL,
    and no limit of its ends it: who is frozen there would lead for ever.
    """
    await read(connection, limit=0)
    await delete(connection, [])
    await set_aside(connection, {})
