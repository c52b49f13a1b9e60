"""A connection of our own to the cluster, for what the consumer's library does not tell: topics' ids, raw batches."""

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NodeNotReadyError, NoError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.fetch import FetchRequest

from shared.messaging.describing import DescribeTopics
from shared.messaging.positions import TopicPartition

REQUEST_SECONDS = 10
METADATA_MAX_AGE_SECONDS = 5
MIN_BYTES, FETCH_WAIT_MS, READ_COMMITTED = 1, 0, 1


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the broker describes it. `id` is Kafka's own spelling, None where a broker knows none (before 2.8)."""

    id: str | None
    leaders: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What the broker said of the cluster and of those topics that exist."""

    cluster_id: str
    topics: Mapping[str, TopicFacts]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a partition's log holds from an offset on, as bytes. `aborted` is (producer id, first offset)."""

    data: bytes
    aborted: Sequence[tuple[int, int]]


class Broker:
    """Asks any broker of the cluster. Every failure is an OSError, a TimeoutError or a KafkaError."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._client = AIOKafkaClient(
            bootstrap_servers=bootstrap,
            client_id=client_id,
            request_timeout_ms=REQUEST_SECONDS * 1_000,
            metadata_max_age_ms=METADATA_MAX_AGE_SECONDS * 1_000,
        )

    async def start(self) -> None:
        """Connect."""
        async with asyncio.timeout(REQUEST_SECONDS):
            await self._client.bootstrap()

    async def close(self) -> None:
        """Disconnect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._client.close()

    async def describe(self, topics: Iterable[str]) -> ClusterFacts:
        """Return what the cluster says of itself and of these topics (with prefix); missing ones are not in it."""
        response = await self._send(self._client.get_random_node(), DescribeTopics(sorted(topics)))
        found = {}
        for topic in response.to_object()["topics"]:
            if topic["error_code"] == NoError.errno:
                raw: bytes | None = topic.get("topic_id")
                leaders = {one["partition"]: one["leader"] for one in topic["partitions"]}
                found[topic["topic"]] = TopicFacts(_spelled(raw) if raw else None, leaders)
        return ClusterFacts(response.cluster_id, found)

    async def fetch(self, at: TopicPartition, offset: int, *, max_bytes: int) -> Fetched:
        """Return the committed part of a partition's log from the batch that holds `offset` on. Topic with prefix."""
        topic, partition = at
        leader = (await self.describe([topic])).topics.get(topic, TopicFacts(None, {})).leaders.get(partition)
        if leader is None:
            raise UnknownTopicOrPartitionError(topic)
        asked = [(topic, [(partition, offset, max_bytes)])]
        response = await self._send(leader, FetchRequest(FETCH_WAIT_MS, MIN_BYTES, max_bytes, READ_COMMITTED, asked))
        _, error_code, *answer = response.topics[0][1][0]
        if error_code != NoError.errno:
            raise for_code(error_code)(f"{topic}/{partition}")
        # high water mark, last stable offset, start of the log, aborted transactions, …, batches
        return Fetched(answer[-1] or b"", answer[3] or ())

    async def _send(self, node: int | None, request: Any) -> Any:
        if node is None:
            raise NodeNotReadyError("no broker is known")
        async with asyncio.timeout(REQUEST_SECONDS):
            return await self._client.send(node, request)


def is_away(error: BaseException) -> bool:
    """Say whether a failure to ask may mend itself."""
    return isinstance(error, (KafkaError, OSError, TimeoutError))


def _spelled(topic_id: bytes) -> str:
    return base64.urlsafe_b64encode(topic_id).decode().rstrip("=")
