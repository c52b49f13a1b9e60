"""A leading relay's rounds on a table and a broker that a test holds in its hands."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.events.topics import BILLING_ENTRIES
from shared.messaging.handover import Handover, Row
from shared.messaging.lease import Lease
from shared.messaging.outbox import write_headers
from shared.messaging.rounds import Rounds
from shared.messaging.sending import Sending
from tests.support.waiting import eventually

TOPIC = BILLING_ENTRIES.name


class Table:
    """An outbox. A reading sees it as it was when it was asked for, and is answered when `readable` is set."""

    def __init__(self, *ids: int) -> None:
        self.rows = dict.fromkeys(ids, TOPIC)
        self.readable = asyncio.Event()
        self.readable.set()
        self.readings = self.looks = 0

    async def fetch(
        self, _: str, most_rows: int, most_bytes: int, stay: Sequence[str], known: Sequence[int]
    ) -> list[dict[Any, Any]]:
        self.readings += 1
        seen = [
            number for number, topic in sorted(self.rows.items()) if topic not in stay and number not in set(known)
        ][:most_rows]
        await self.readable.wait()
        return [_Record(number, self.rows.get(number, TOPIC), len(seen)) for number in seen]

    async def fetchrow(self, _: str, known: Sequence[int], acknowledged: Sequence[int]) -> dict[str, Any]:
        self.looks += 1
        return {"oldest_seconds": 0.0, "aside": 0, "unknown": bool(set(self.rows) - set(known))}

    async def execute(self, _: str, ids: Sequence[int]) -> None:
        for number in ids:
            del self.rows[number]


class _Record(dict[Any, Any]):
    """A row as the driver gives it: by name, and in order."""

    def __init__(self, number: int, topic: str, found: int) -> None:
        self._values = (number, topic, b"1", b"{}", write_headers([]), found)
        super().__init__(id=number, topic=topic, found=found)

    def __getitem__(self, key: Any) -> Any:
        return self._values[key] if isinstance(key, slice) else super().__getitem__(key)


class Producer:
    """Notes what is sent, and acknowledges it while `answers` is set."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> "Producer":
        return self

    def append(self, **record: Any) -> object:
        return object()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        return self.answers.wait()


class NotingSending(Sending):
    """Notes the ids that are sent."""

    def __init__(self) -> None:
        super().__init__("", lambda: True)
        self.sent: list[int] = []

    async def send(self, producer: Any, topic: str, rows: Sequence[Row]) -> None:
        self.sent.extend(row.id for row in rows)
        await super().send(producer, topic, rows)


class Leader:
    """Rounds on a table and a producer of the test's own."""

    def __init__(self, *ids: int) -> None:
        self.table, self.producer, self.sending, self.handover = Table(*ids), Producer(), NotingSending(), Handover()
        self.woken = 0
        self.rounds = Rounds(
            self.table,
            self.producer,
            sending=self.sending,
            handover=self.handover,
            lease=Lease(15.0),
            away_until={},
            service="toy",
            wake=self.wake,
        )
        self.handover.taker = self.rounds

    def wake(self) -> None:
        self.woken += 1

    def commit(self, *ids: int, topic: str = TOPIC) -> None:
        """Commit rows, as this process does."""
        self.asked(*ids, topic=topic)(True)

    def asked(self, *ids: int, topic: str = TOPIC) -> Any:
        """Ask for a commit; PostgreSQL has done it, and has not said so."""
        self.table.rows |= dict.fromkeys(ids, topic)
        return self.handover.ask([Row(number, topic, b"1", b"{}", []) for number in ids])

    async def once(self) -> None:
        """Do one round, and let the lanes end."""
        await self.rounds.once(None)
        await asyncio.sleep(0)

    async def sends(self, *ids: int) -> None:
        """Do rounds as long as somebody asks for them, and wait until exactly these were sent, in this order."""

        async def sent() -> bool:
            woken, self.woken = self.woken, 0
            if woken:
                await self.once()
            return not woken and len(self.sending.sent) >= len(ids)

        await eventually(sent, what=f"{len(ids)} rows are sent")
        assert self.sending.sent == list(ids)

    async def reading(self) -> "asyncio.Task[None]":
        """Begin a round whose reading has seen the table and is not answered yet."""
        self.table.readable.clear()
        before = self.table.readings
        task = asyncio.create_task(self.once())

        async def asked() -> bool:
            return self.table.readings > before

        await eventually(asked)
        return task

    async def read(self, reading: "asyncio.Task[None]") -> None:
        """Let a reading be answered."""
        self.table.readable.set()
        await reading
