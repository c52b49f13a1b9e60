"""How long a run waits between its events, from the events' own times (`ce_time`)."""

import json
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.bench.rig import Rig
from shared.events.register import REGISTER

# The way of a run that goes well, in its order.
WAY = (
    "TestCallRequested", "FundsReserved", "TestCallDispatched", "CallStarted", "TestCallCompleted", "ChargeSettled",
)  # fmt: skip
TOPICS = sorted({row.topic.name for row in REGISTER if row.event.__name__ in WAY})
POLL_MS = 1_000


class Stages:
    """Reads what was published from the moment it was made."""

    def __init__(self, rig: Rig, ends: dict[TopicPartition, int]) -> None:
        self._rig = rig
        self._begins = ends

    @classmethod
    async def from_now(cls, rig: Rig) -> "Stages":
        """Note where the topics end."""
        async with AIOKafkaConsumer(bootstrap_servers=rig.kafka) as consumer:
            return cls(rig, await _ends(consumer))

    async def waits_ms(self) -> dict[str, list[float]]:
        """Return, for each step, the ms since the step before of every run that went the whole way, in order."""
        at: dict[int, dict[str, datetime]] = defaultdict(dict)
        async with AIOKafkaConsumer(bootstrap_servers=self._rig.kafka, enable_auto_commit=False) as consumer:
            ends = await _ends(consumer)
            consumer.assign(list(ends))
            for partition, offset in self._begins.items():
                consumer.seek(partition, offset)
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        _note(record, at)
        steps: dict[str, list[float]] = {f"{before} → {after}": [] for before, after in pairwise(WAY)}
        for times in at.values():
            if len(times) == len(WAY):
                for before, after in pairwise(WAY):
                    steps[f"{before} → {after}"].append((times[after] - times[before]).total_seconds() * 1_000)
        return {step: sorted(waits) for step, waits in steps.items()}


async def _ends(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    partitions = []
    for topic in TOPICS:
        await consumer._client.force_metadata_update()
        partitions += [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    return dict(await consumer.end_offsets(partitions))


def _note(record: Any, at: dict[int, dict[str, datetime]]) -> None:
    headers = {name: value.decode() for name, value in record.headers}
    name = headers["ce_type"].rpartition(".v")[0].rpartition(".")[2]
    if name not in WAY:
        return
    event = json.loads(record.value)
    runs = event.get("run_ids") or [run["run_id"] for run in event.get("runs", ())] or [event["run_id"]]
    for run_id in runs:
        at[run_id].setdefault(name, datetime.fromisoformat(headers["ce_time"].replace("Z", "+00:00")))
