"""What may go wrong around a caller, on demand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from services.caller.domain.attempt import Claimed, Ended
from services.caller.ports import Stages
from shared.db.database import Database
from shared.db.transaction import Transaction
from shared.errors import Refusal
from shared.events.admissions import TestCallDispatched
from shared.messaging.messages import Say
from shared.messaging.outbox import Outbox
from tests.support.nobody_publishes import NobodyPublishes
from tests.support.proxies import CHUNK_BYTES, Line


class OutboxIsBroken(Refusal):
    """Not transient: it is not tried again."""


class BreakableOutbox(Outbox):
    """An outbox that fails on demand, after it has written: only a rollback can undo it.

    `fails_with` are the failures of the next writes; whatever is said of a run in `refuses` fails every time.
    """

    def __init__(self) -> None:
        super().__init__(NobodyPublishes())
        self.fails_with: list[Exception] = []
        self.refuses: set[int] = set()

    async def write(self, transaction: Transaction, says: Sequence[Say]) -> None:
        await super().write(transaction, says)
        if says and self.fails_with:
            raise self.fails_with.pop(0)
        if self.refuses.intersection(getattr(say.event, "run_id", 0) for say in says):
            raise OutboxIsBroken


@dataclass
class SlowToDial:
    """Stages that keep calls waiting just before they are dialled, one gate for each run."""

    stages: Stages
    gates: dict[int, list[asyncio.Event]] = field(default_factory=dict)

    async def dial(self, claimed: Claimed) -> bool:
        gate = asyncio.Event()
        self.gates.setdefault(claimed.run_id, []).append(gate)
        await gate.wait()
        return await self.stages.dial(claimed)

    async def start(self, claimed: Claimed, dispatch: TestCallDispatched, traceparent: str | None) -> datetime | None:
        return await self.stages.start(claimed, dispatch, traceparent)

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        return await self.stages.end(claimed, dispatch, ended, traceparent)

    def waits(self, run_id: int, times: int = 1) -> Callable[[], Awaitable[bool]]:
        """A question for `eventually`."""

        async def question() -> bool:
            return len(self.gates.get(run_id, [])) >= times

        return question


@dataclass
class Mortal:
    """Stages of a process that may die: after that, nothing is written and nothing answered."""

    stages: Stages
    dead: bool = False

    async def dial(self, claimed: Claimed) -> bool:
        await self._live()
        return await self.stages.dial(claimed)

    async def start(self, claimed: Claimed, dispatch: TestCallDispatched, traceparent: str | None) -> datetime | None:
        await self._live()
        return await self.stages.start(claimed, dispatch, traceparent)

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        await self._live()
        return await self.stages.end(claimed, dispatch, ended, traceparent)

    async def _live(self) -> None:
        if self.dead:
            await asyncio.Future[None]()


class DeafLine(Line):
    """A line of which a connection that has swallowed something once swallows for ever; new ones carry on."""

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if writer is None or self.cut:
                    self.swallowed_bytes += len(data)
                    writer = None
                    continue
                writer.write(data)
                await writer.drain()


class UnreliableDatabase(Database):
    """A database that may be away, and whose answer to a commit may get lost."""

    away: bool = False
    loses_the_next_answer: bool = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.away:
            raise ConnectionRefusedError
        async with super().transaction() as transaction:
            yield transaction
        if self.loses_the_next_answer:
            self.loses_the_next_answer = False
            raise ConnectionResetError


async def waits_for_a_lock(onlooker: asyncpg.Connection) -> bool:
    """Say whether a statement of a caller waits for somebody else."""
    waits: bool = await onlooker.fetchval(
        "SELECT count(*) > 0 FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'caller' AND wait_event_type = 'Lock'"
    )
    return waits
