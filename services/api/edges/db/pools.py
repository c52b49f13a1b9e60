"""The API's connections: what each pool is for, so that no work starves another."""

from dataclasses import dataclass

from services.api.edges.db import key_ring, reads
from shared.db.database import Database


@dataclass(frozen=True, slots=True)
class Pools:
    """`work` is admission's and the consumer's, `reads` the GET endpoints', `keys` the key ring's."""

    work: Database
    reads: Database
    keys: Database

    async def dispose(self) -> None:
        """Close all connections."""
        for pool in (self.work, self.reads, self.keys):
            await pool.dispose()


def open_pools(url: str) -> Pools:
    """Return the pools of one process."""
    return Pools(
        work=Database(url, schema="api"),
        reads=reads.database_of_reads(url),
        keys=Database(url, schema="api", pool_connections=key_ring.CONNECTIONS),
    )
