"""The polls of one connection, spaced: what is there, and behind a pause what came during it as well."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.process.pacing import Pacing

POLL_LIMIT_SECONDS = 2.0
ROUND_SECONDS = 0.03
ROUNDS_AT_ONCE = 3  # what one run makes others say within milliseconds does not wait for itself
SECOND_LOOK_MS = 4  # the broker answers within one or two, if it has something
SECOND_LOOK_BELOW_BYTES = 512 * 1024


class Polled(NamedTuple):
    """What a poll took, a partition's records in a row and in order; and what it failed of behind them.

    With a failure the library may have lost what it had taken further: everything is to be placed again, once these
    records are applied.
    """

    records: Sequence[Any]
    failure: Exception | None


class Polling:
    """Takes `max_records` at most at once.

    The library asks the broker again as soon as its buffer was taken, and so what it has after a pause is what came
    right at the pause's beginning. The rest lies with the broker: a second look takes it along, and who comes in the
    middle of a pause does not wait for another one. Both together bring `max_records` at most, and at most
    `SECOND_LOOK_BELOW_BYTES` of values more than one look can.
    """

    def __init__(self, consumer: AIOKafkaConsumer, *, max_records: int) -> None:
        self._consumer = consumer
        self._max_records = max_records
        self._pacing = Pacing(ROUND_SECONDS, rounds_at_once=ROUNDS_AT_ONCE)
        self._paused = False

    async def poll(self, wait_ms: int) -> Polled:
        """Take what there is, or what comes first within `wait_ms`."""
        paused, self._paused = self._paused, False
        taken: dict[TopicPartition, list[Any]] = {}
        failure: Exception | None = None
        try:
            async with asyncio.timeout(POLL_LIMIT_SECONDS):  # without an assignment the library waits for ever
                taken = await self._consumer.getmany(timeout_ms=wait_ms, max_records=self._max_records)
                if paused and (room := self._room_beside(taken)):
                    more = await self._consumer.getmany(timeout_ms=SECOND_LOOK_MS, max_records=room)
                    for tp, records in more.items():
                        taken.setdefault(tp, []).extend(records)
        except TimeoutError:
            pass
        except Exception as error:
            failure = error
        return Polled([record for records in taken.values() for record in records], failure)

    async def space(self) -> None:
        """Wait until the next poll may begin, after one that took something."""
        self._paused = await self._pacing.begin()

    def _room_beside(self, taken: Mapping[TopicPartition, Sequence[Any]]) -> int:
        """Return how many records a second look may take; none beside nothing, which was waited for already."""
        size_bytes = sum(len(record.value or b"") for records in taken.values() for record in records)
        if not taken or size_bytes >= SECOND_LOOK_BELOW_BYTES:
            return 0
        return self._max_records - sum(map(len, taken.values()))
