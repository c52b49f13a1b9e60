"""The API's connections: what each pool is for, so that no work starves another."""

from dataclasses import dataclass

from services.api.edges.db import key_ring, reads, watch
from shared.db.database import Database


@dataclass(frozen=True, slots=True)
class Pools:
    """`work` is admission's and the consumer's, `reads` the GET endpoints', `keys` the key ring's.

    `waits` is of those who wait for an end.
    """

    work: Database
    reads: Database
    keys: Database
    waits: Database

    async def dispose(self) -> None:
        """Close all connections."""
        for pool in (self.work, self.reads, self.keys, self.waits):
            await pool.dispose()


def open_pools(url: str) -> Pools:
    """Return the pools of one process."""
    return Pools(
        work=Database(url, schema="api"),
        reads=reads.database_of_reads(url),
        keys=Database(url, schema="api", pool_connections=key_ring.CONNECTIONS),
        waits=watch.database_of_waits(url),
    )
