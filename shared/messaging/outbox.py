"""The outbox: events leave through rows of the transaction that made them true."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from shared.db.transaction import Transaction
from shared.errors import Refusal
from shared.events.envelope import Headers, Sealed, seal
from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.messages import Say


class TooLarge(Refusal):
    """An event that no consumer would get: refused before it is true, not after."""


def write_headers(headers: Headers) -> bytes:
    """Store header bytes as they are: Latin-1 gives every byte a character."""
    return json.dumps([[name, value.decode("latin-1")] for name, value in headers]).encode()


def read_headers(stored: bytes) -> Headers:
    """Undo `write_headers`."""
    return [(name, value.encode("latin-1")) for name, value in json.loads(stored)]


class Outbox:
    """Writes rows for the relay. `poke` wakes the relay of this process after the commit."""

    def __init__(self, *, poke: Callable[[], None], is_leading: Callable[[], bool], channel: str) -> None:
        self._poke = poke
        self._is_leading = is_leading
        self._channel = channel

    async def write(self, transaction: Transaction, says: Sequence[Say]) -> None:
        """Write events. Raises TooLarge for one over `MAX_RECORD_BYTES`."""
        if says:
            now = datetime.now(UTC)
            randomness = os.urandom(16 * len(says))  # one system call for all ids
            await self.write_sealed(
                transaction,
                [
                    seal(
                        say.event,
                        event_id=str(UUID(bytes=randomness[16 * nth : 16 * nth + 16], version=4)),
                        occurred_at=now,
                        traceparent=say.traceparent,
                    )
                    for nth, say in enumerate(says)
                ],
            )

    async def write_sealed(self, transaction: Transaction, records: Iterable[Sealed]) -> None:
        """Write records as they are: events, and dead letters with their original bytes."""
        records = list(records)
        if not records:
            return
        for record in records:
            if len(record.value or b"") > MAX_RECORD_BYTES:
                raise TooLarge(f"a record for {record.topic} has {len(record.value or b'')} bytes")
        await transaction.run(
            """
            INSERT INTO outbox (topic, key, value, headers)
            SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:keys AS bytea[]), CAST(:values AS bytea[]),
                                 CAST(:headers AS bytea[]))
            """,
            topics=[record.topic for record in records],
            keys=[record.key for record in records],
            values=[record.value for record in records],
            headers=[write_headers(record.headers) for record in records],
        )
        if not self._is_leading():
            # Another instance publishes. NOTIFY takes a global lock at commit, so the leader itself does without.
            await transaction.run("SELECT pg_notify(:channel, '')", channel=self._channel)
        transaction.after_commit(self._poke)
