"""Tells how far a connection is: the lag, Kafka's own offsets, and places behind commit markers."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.db.database import Database
from shared.db.failures import is_transient
from shared.messaging.applying import Positions
from shared.messaging.hearing import Hearing
from shared.messaging.offsets import Offsets, StaleConsumer
from shared.messaging.seats import Seats

COMMIT_EVERY_SECONDS = 1.0
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
        self._next_commit = 0.0
        self._committed: Positions = {}

    async def report(self) -> None:
        """Tell the lag; once a second store places behind markers, and tell Kafka."""
        places = {
            tp: await self._consumer.position(tp)
            for tp in self._consumer.assignment()
            if self._seats.plain(tp) in self._seats.positions and tp not in self._seats.unplaced
        }
        self._hearing.report_lag(self._consumer, self._seats, places)
        if self._clock() >= self._next_commit:
            self._next_commit = self._clock() + COMMIT_EVERY_SECONDS
            await self._pass_markers(places)
            await self._commit()

    async def _pass_markers(self, places: Mapping[TopicPartition, int]) -> None:
        """Store places behind commit markers and aborted records: they are no records, and nothing else moves us on."""
        positions = self._seats.positions
        moves = {
            at: (positions[at], place)
            for tp, place in places.items()
            if (at := self._seats.plain(tp)) in positions and place > positions[at]
        }
        if not moves:
            return
        try:
            async with self._database.transaction() as transaction:
                await self._offsets.advance(transaction, moves)
        except StaleConsumer:
            self._seats.unplaced |= self._consumer.assignment()
        except Exception as error:
            if not is_transient(error):
                raise
        else:
            positions.update({at: place for at, (_, place) in moves.items()})

    async def _commit(self) -> None:
        mine = {
            tp: self._seats.positions[at]
            for tp in self._consumer.assignment()
            if (at := self._seats.plain(tp)) in self._seats.positions
        }
        if not mine or self._seats.positions == self._committed:
            return
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(COMMIT_LIMIT_SECONDS):
                await self._consumer.commit(mine)
                self._committed = dict(self._seats.positions)
