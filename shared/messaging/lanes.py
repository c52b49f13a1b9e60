"""A topic's rows that wait for the broker in memory, and those that are on their way."""

import asyncio
import time
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer

from shared.messaging.handover import Row
from shared.messaging.sending import Sending
from shared.process.pacing import Pacing
from shared.telemetry import metrics

MAX_WAITING_ROWS = 20_000
MAX_WAITING_BYTES = 16 * 1024 * 1024
ROUND_SECONDS = 0.005
ROUNDS_AT_ONCE = 4


class Lane:
    """One topic. While some of its rows are on their way, the others wait, and go together.

    `ended` is called when nothing is left, and after a failure: then the lane stands still.
    """

    def __init__(
        self, topic: str, sending: Sending, producer: AIOKafkaProducer, *, service: str, ended: Callable[[], None]
    ) -> None:
        self._topic = topic
        self._sending = sending
        self._producer = producer
        self._service = service
        self._ended = ended
        self._pacing = Pacing(ROUND_SECONDS, rounds_at_once=ROUNDS_AT_ONCE)
        self._waiting: list[Row] = []
        self._going: list[Row] = []
        self._waiting_bytes = 0
        self.task: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

    def full(self) -> bool:
        """Say whether memory is to hold no more of it."""
        return len(self._waiting) >= MAX_WAITING_ROWS or self._waiting_bytes >= MAX_WAITING_BYTES

    def rows(self) -> Sequence[Row]:
        """Return what is not sent yet."""
        return [*self._going, *self._waiting]

    def add(self, row: Row) -> None:
        """Let a row wait behind the others."""
        self._waiting.append(row)
        self._waiting_bytes += len(row.value or b"")

    def sort(self) -> None:
        """Let older rows that were found later go first."""
        self._waiting.sort(key=lambda row: row.id)

    def go(self) -> None:
        """Send what waits, unless that goes on already."""
        if self.task is None and self.failure is None:
            self.task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._pacing.begin()
                began = time.monotonic()
                self._going, self._waiting, self._waiting_bytes = self._waiting, [], 0
                await self._sending.send(self._producer, self._topic, self._going)
                self._going = []
                metrics.PUBLISH_SECONDS.labels(self._service).observe(time.monotonic() - began)
        except Exception as error:
            self.failure = error
        self.task = None
        self._ended()
