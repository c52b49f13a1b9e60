"""Tells how far a connection is: the lag and Kafka's own offsets; stores what nothing else has stored in time."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.hearing import Hearing
from shared.messaging.offsets import Offsets, StaleConsumer
from shared.messaging.positions import TopicPartition as Plain
from shared.messaging.seats import Seats

STORED_WITHIN_SECONDS = 1.0  # what is heard and has no effect
STORE_LIMIT_SECONDS = 2.0
COMMIT_LIMIT_SECONDS = 2.0


class Progress:
    """Reports after each turn. PostgreSQL's offsets are the ones that count; Kafka's are for lag tools, autoscalers."""

    def __init__(
        self,
        *,
        database: Database,
        consumer: AIOKafkaConsumer,
        seats: Seats,
        offsets: Offsets,
        hearing: Hearing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._seats = seats
        self._offsets = offsets
        self._hearing = hearing
        self._clock = clock
        self._next_at = 0.0
        self._committed: dict[Plain, int] = {}

    async def report(self) -> None:
        """Tell the lag; once a second store what is known in memory alone, and tell Kafka."""
        places = {
            tp: await self._consumer.position(tp)
            for tp in self._consumer.assignment()
            if self._seats.plain(tp) in self._seats.positions and tp not in self._seats.unplaced
        }
        self._hearing.report_lag(self._consumer, self._seats, places)
        if self._clock() >= self._next_at:
            self._next_at = self._clock() + STORED_WITHIN_SECONDS
            self._pass_markers(places)
            try:
                await self.store()
            except StaleConsumer:
                self._seats.unplaced |= self._consumer.assignment()
            except Exception as error:
                if not is_transient(error):
                    raise
            await self._commit()

    def patience_seconds(self) -> float:
        """Return how long a poll may wait for records, so that everything is stored in time."""
        return max(0.0, self._next_at - self._clock()) if self._seats.positions.unstored() else math.inf

    async def store(self) -> None:
        """Store what is known in memory alone. Raises transient failures, StaleConsumer among them."""
        positions = self._seats.positions
        if positions.unstored():
            async with positions.move({}) as moves, self._database.transaction() as transaction:
                await self._offsets.advance(transaction, moves)

    async def let_go(self) -> None:
        """Store what is known in memory alone before others hear on. What is not stored they hear again."""
        if self._seats.positions.moving():
            return  # a transaction is under way that takes it along
        try:
            async with asyncio.timeout(STORE_LIMIT_SECONDS):
                await self.store()
        except Exception as error:
            if not is_transient(error):
                raise

    def _pass_markers(self, places: Mapping[TopicPartition, int]) -> None:
        """Go on behind commit markers and aborted records: they are no records, and nothing else moves us on."""
        positions = self._seats.positions
        for tp, place in places.items():
            if (at := self._seats.plain(tp)) in positions and place > positions[at]:
                positions.pass_by({at: place})

    async def _commit(self) -> None:
        stored = self._seats.positions.stored()
        mine = {tp: stored[at] for tp in self._consumer.assignment() if (at := self._seats.plain(tp)) in stored}
        if not mine or stored == self._committed:
            return
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(COMMIT_LIMIT_SECONDS):
                await self._consumer.commit(mine)
                self._committed = stored
