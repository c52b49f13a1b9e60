"""Outbox rows that can't be sent: set aside, so that they stop nobody, and sent again when an operator says so.

Later rows of the same key go on: consumers are built for an event that comes late or twice, but a customer whose events
all wait for an operator would be stopped by one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

MAX_REASON_CHARS = 500

_SET_ASIDE = """
WITH bad AS (
    DELETE FROM outbox USING unnest($1::bigint[], $2::text[]) AS given (row_id, reason)
    WHERE outbox.id = given.row_id
    RETURNING outbox.*, given.reason
)
INSERT INTO outbox_aside (id, topic, key, value, headers, written_at, reason)
SELECT id, topic, key, value, headers, written_at, reason FROM bad
"""

# For an operator, who has mended what stood in the way. README quotes it; narrow it down with a WHERE.
SEND_AGAIN = """
WITH again AS (DELETE FROM outbox_aside RETURNING *)
INSERT INTO outbox (topic, key, value, headers) SELECT topic, key, value, headers FROM again ORDER BY id
"""

_LOOK = """
SELECT (SELECT CAST(extract(epoch FROM clock_timestamp() - written_at) AS float8) FROM outbox
        WHERE id NOT IN (SELECT unnest($2::bigint[])) ORDER BY id LIMIT 1) AS oldest_seconds,
       (SELECT count(*) FROM outbox_aside) AS aside,
       EXISTS (SELECT FROM outbox WHERE id NOT IN (SELECT unnest($1::bigint[]))) AS unknown
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How an outbox stands: the age of its oldest row that waits (0 without any), and how many rows are set aside.

    `unknown`: it has rows that whoever looked did not know of.
    """

    oldest_seconds: float
    aside: int
    unknown: bool


async def set_aside(connection: asyncpg.Connection, reasons: Mapping[int, str]) -> None:
    """Move rows out of the outbox, each with its reason."""
    texts = [reason[:MAX_REASON_CHARS] for reason in reasons.values()]
    await connection.execute(_SET_ASIDE, list(reasons), texts)


async def look(connection: asyncpg.Connection, known: Sequence[int] = (), acknowledged: Sequence[int] = ()) -> Backlog:
    """See how the outbox stands. `known` and `acknowledged` are ids; the latter wait for nothing but their deletion."""
    row = await connection.fetchrow(_LOOK, known, acknowledged)
    return Backlog(max(0.0, row["oldest_seconds"] or 0.0), row["aside"], row["unknown"])
