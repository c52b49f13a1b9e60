"""Who is asking: API keys by their digest, remembered for a moment."""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256

from shared.db.database import Database

REMEMBERED_SECONDS = 2.0  # with the consumer's delay, a revocation is effective well within 5 s
MAX_REMEMBERED_KEYS = 10_000
CONNECTIONS = 2  # of a pool of their own: look-ups wait for nobody's work, and those who guess keys hold up none


class KeyRing:
    """Finds the organisation of a secret key. Unknown keys are remembered too, so that guessing costs no queries."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[str, tuple[float, int | None]] = {}

    async def org_of(self, key: str) -> int | None:
        """Return the organisation of a secret key that is not revoked, else None."""
        digest = sha256(key.encode()).hexdigest()
        now = self._clock()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        async with self._database.reading() as transaction:
            row = await transaction.row(
                """
                SELECT org_id, key_sha256 FROM (
                    SELECT org_id, key_sha256, kind, revoked_at FROM api_keys WHERE key_sha256 = :digest
                    ORDER BY said_at, said_id, org_id, key_id LIMIT 1
                ) AS issued_first
                WHERE kind = 'secret' AND revoked_at IS NULL
                """,
                digest=digest,
            )
        org_id: int | None = None
        if row is not None and hmac.compare_digest(row.key_sha256, digest):
            org_id = row.org_id
        if len(self._remembered) >= MAX_REMEMBERED_KEYS:
            self._forget(now)
        self._remembered[digest] = (now + REMEMBERED_SECONDS, org_id)
        return org_id

    def _forget(self, now: float) -> None:
        """Drop what is over; if that is not enough, everything."""
        self._remembered = {digest: kept for digest, kept in self._remembered.items() if kept[0] > now}
        if len(self._remembered) >= MAX_REMEMBERED_KEYS:
            self._remembered.clear()
