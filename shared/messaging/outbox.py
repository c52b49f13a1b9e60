"""The outbox: events leave through rows of the transaction that made them true."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Protocol

from shared.db.transaction import Outcome, Transaction
from shared.errors import Refusal
from shared.events.envelope import Headers, Sealed, seal
from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.handover import Row
from shared.messaging.messages import Say


class TooLarge(Refusal):
    """An event that no consumer would get: refused before it is true, not after."""


def write_headers(headers: Headers) -> bytes:
    """Store header bytes as they are: Latin-1 gives every byte a character."""
    pairs = [f"[{quoted(name)},{quoted(value.decode('latin-1'))}]" for name, value in headers]  # json.dumps takes twice
    return f"[{','.join(pairs)}]".encode()


def read_headers(stored: bytes) -> Headers:
    """Undo `write_headers`."""
    return [(name, value.encode("latin-1")) for name, value in json.loads(stored)]


class Publisher(Protocol):
    """Who publishes: the relay of this process while it leads, else another one that is told on `channel`."""

    @property
    def channel(self) -> str:
        """The NOTIFY channel of the others."""

    def is_leading(self) -> bool:
        """Say whether it is this process."""

    def commit_asked(self, rows: Sequence[Row]) -> Outcome:
        """Get ready for rows whose commit is asked for; return what is to be told of it."""


class Outbox:
    """Writes rows for the relay, and hands them over to it with their commit."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def write(self, transaction: Transaction, says: Sequence[Say]) -> None:
        """Write events. Raises TooLarge for one over `MAX_RECORD_BYTES`."""
        if says:
            now = datetime.now(UTC)
            randomness = os.urandom(16 * len(says)).hex()  # one system call for all ids
            await self.write_sealed(
                transaction,
                [
                    seal(
                        say.event,
                        event_id=_uuid4(randomness[32 * nth : 32 * nth + 32]),
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
        inserted = await transaction.rows(
            """
            INSERT INTO outbox (topic, key, value, headers)
            SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:keys AS bytea[]), CAST(:values AS bytea[]),
                                 CAST(:headers AS bytea[]))
            RETURNING id
            """,
            topics=[record.topic for record in records],
            keys=[record.key for record in records],
            values=[record.value for record in records],
            headers=[write_headers(record.headers) for record in records],
        )
        # They were inserted in the order of the arrays, and an id is taken for each as it is inserted.
        rows = [Row(one[0], *record) for one, record in zip(inserted, records, strict=True)]
        if not self._publisher.is_leading():
            # Another instance publishes. NOTIFY takes a global lock at commit, so the leader itself does without.
            await transaction.run("SELECT pg_notify(:channel, '')", channel=self._publisher.channel)
        transaction.around_commit(lambda: self._publisher.commit_asked(rows))


def _uuid4(digits: str) -> str:
    """Write 32 random hex digits as a UUID of version 4."""
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
