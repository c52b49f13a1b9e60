"""The consumer's next offsets, stored with the effects: consuming is exactly-once in effect."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.db.transaction import Transaction
from shared.errors import Transient
from shared.messaging.positions import Moves, TopicPartition


class StaleConsumer(Transient):
    """Somebody else has applied these records already: this consumer's view of the partition is out of date."""


class OtherCluster(Transient):
    """The stored offsets belong to another Kafka cluster. An operator must decide; nothing is consumed until then."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How far a partition was heard, and of which topic: one that is deleted and made again gets another id."""

    next_offset: int
    topic_id: str | None


@dataclass(frozen=True, slots=True)
class Offsets:
    """Offsets of one Kafka cluster in one service's schema."""

    cluster_id: str

    async def stored(self, transaction: Transaction) -> dict[TopicPartition, Stored]:
        """Return all next offsets. Raises OtherCluster if there are some, and all of another cluster."""
        rows = await transaction.rows(
            "SELECT cluster_id, topic, partition, next_offset, topic_id FROM consumer_offsets"
        )
        mine = {
            (row.topic, row.partition): Stored(row.next_offset, row.topic_id)
            for row in rows
            if row.cluster_id == self.cluster_id
        }
        if rows and not mine:
            raise OtherCluster(f"stored offsets name cluster {rows[0].cluster_id}, the broker is {self.cluster_id}")
        return mine

    async def adopt(self, transaction: Transaction, topic_ids: Mapping[str, str]) -> None:
        """Note the ids of topics for partitions that have none yet: rows of an earlier version, or of an operator."""
        await transaction.run(
            """
            UPDATE consumer_offsets AS stored SET topic_id = topics.id
            FROM unnest(CAST(:topics AS text[]), CAST(:ids AS text[])) AS topics (topic, id)
            WHERE stored.cluster_id = :cluster AND stored.topic = topics.topic AND stored.topic_id IS NULL
            """,
            cluster=self.cluster_id,
            topics=list(topic_ids),
            ids=list(topic_ids.values()),
        )

    async def create(self, transaction: Transaction, beginnings: Mapping[TopicPartition, int]) -> None:
        """Store a first offset for partitions never consumed before. Idempotent: an existing offset stays."""
        await transaction.run(
            """
            INSERT INTO consumer_offsets (cluster_id, topic, partition, next_offset)
            SELECT :cluster, * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS integer[]),
                                           CAST(:offsets AS bigint[]))
            ON CONFLICT DO NOTHING
            """,
            cluster=self.cluster_id,
            topics=[topic for topic, _ in beginnings],
            partitions=[partition for _, partition in beginnings],
            offsets=list(beginnings.values()),
        )

    async def advance(self, transaction: Transaction, moves: Moves) -> None:
        """Move each partition from its old next offset to its new one. Raises StaleConsumer if one has moved."""
        moved = await transaction.run(
            """
            UPDATE consumer_offsets AS stored
            SET next_offset = move.upto, updated_at = clock_timestamp()
            FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS integer[]), CAST(:froms AS bigint[]),
                        CAST(:uptos AS bigint[])) AS move (topic, partition, start, upto)
            WHERE stored.cluster_id = :cluster AND stored.topic = move.topic AND stored.partition = move.partition
              AND stored.next_offset = move.start
            """,
            cluster=self.cluster_id,
            topics=[topic for topic, _ in moves],
            partitions=[partition for _, partition in moves],
            froms=[start for start, _ in moves.values()],
            uptos=[upto for _, upto in moves.values()],
        )
        if moved != len(moves):
            raise StaleConsumer(f"{len(moves) - moved} of {len(moves)} partitions moved on without this consumer")
