"""Says to a broker what no honest client would: hand-made batches, transactions by step, topics taken away."""

import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import cramjam
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

from tests.support.waiting import eventually

LZ4 = 3


def a_record(nth: int, key: bytes, value: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return one record as bytes; header names may be any."""
    body = bytearray(b"\x00")
    for number in (0, nth):
        encode_varint(number, body.append)
    for part in (key, value):
        encode_varint(len(part), body.append)
        body += part
    encode_varint(len(headers), body.append)
    for name, content in headers:
        for part in (name, content):
            encode_varint(len(part), body.append)
            body += part
    length = bytearray()
    encode_varint(len(body), length.append)
    return bytes(length + body)


def a_batch(records: Sequence[bytes], *, codec: int = 0, payload: bytes | None = None) -> bytes:
    """Return a record batch with a right checksum around any payload."""
    after_crc = struct.pack(">hiqqqhii", codec, len(records) - 1, 1, 1, -1, -1, -1, len(records))
    after_crc += b"".join(records) if payload is None else payload
    body = struct.pack(">ib", -1, 2) + struct.pack(">I", calc_crc32c(after_crc)) + after_crc
    return struct.pack(">qi", 0, len(body)) + body


def an_lz4_that_ends_badly(records: Sequence[bytes]) -> bytes:
    """Return a batch that Kafka takes and no decoder does: Kafka itself never looks at the checksum of an lz4 frame."""
    compressor = cramjam.lz4.Compressor(content_checksum=True, block_linked=False)
    compressor.compress(b"".join(records))
    frame = bytearray(bytes(compressor.finish()))
    frame[-1] ^= 0xFF
    return a_batch(records, codec=LZ4, payload=bytes(frame))


async def produce(bootstrap: str, topic: str, partition: int, batch: bytes) -> int:
    """Send a batch as it is; return the offset that it was given."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        await client._wait_on_metadata(topic)
        request = ProduceRequest(
            transactional_id=None, required_acks=-1, timeout=10_000, topics=[(topic, [(partition, batch)])]
        )

        async def taken() -> Any:
            leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
            _, error, *answer = (await client.send(leader, request)).topics[0][1][0]
            if error and not for_code(error).retriable:
                raise for_code(error)
            return answer if not error else None  # a leader that was chosen just now does not know it yet

        offset, *_ = await eventually(taken)
        return int(offset)
    finally:
        await client.close()


@asynccontextmanager
async def an_admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topic(bootstrap: str, name: str, partitions: int = 2, **configs: str) -> None:
    """Create a topic."""
    wanted = NewTopic(name, partitions, 1, topic_configs={key.replace("_", "."): one for key, one in configs.items()})
    async with an_admin(bootstrap) as admin:
        await admin.create_topics([wanted])


async def configure_topic(bootstrap: str, name: str, **configs: str) -> None:
    """Set a topic's configuration."""
    async with an_admin(bootstrap) as admin:
        values = {key.replace("_", "."): value for key, value in configs.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, values)])


async def delete_topic(bootstrap: str, name: str) -> None:
    """Delete a topic, and wait until it is gone."""
    async with an_admin(bootstrap) as admin:
        await admin.delete_topics([name])

        async def gone() -> bool:
            return name not in await admin.list_topics()

        await eventually(gone)


async def widen_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Give a topic more partitions."""
    async with an_admin(bootstrap) as admin:
        await admin.create_partitions({name: NewPartitions(partitions)})
