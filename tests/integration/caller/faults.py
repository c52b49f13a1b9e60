"""What may go wrong around a caller, on demand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.caller.domain.attempt import Claimed, Ended
from services.caller.domain.turn import Party, Reply, Turn
from services.caller.ports import Parties, Stages
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
class Mortal:
    """Stages and parties of a process that may die: then nobody is called, and nothing is written or answered."""

    stages: Stages
    parties: Parties
    dead: bool = False

    async def start(
        self, claimed: Claimed, dispatch: TestCallDispatched, answered_at: float, traceparent: str | None
    ) -> bool:
        await self.live()
        return await self.stages.start(claimed, dispatch, answered_at, traceparent)

    async def end(self, claimed: Claimed, dispatch: TestCallDispatched, ended: Ended, traceparent: str | None) -> bool:
        await self.live()
        return await self.stages.end(claimed, dispatch, ended, traceparent)

    async def put_back(self, claimed: Claimed, dispatch: TestCallDispatched) -> None:
        await self.live()
        await self.stages.put_back(claimed, dispatch)

    def bot(self, dispatch: TestCallDispatched) -> Party:
        return _MortalParty(self, self.parties.bot(dispatch))

    def agent(self, dispatch: TestCallDispatched) -> Party:
        return _MortalParty(self, self.parties.agent(dispatch))

    async def live(self) -> None:
        """Go on, unless dead."""
        if self.dead:
            await asyncio.Future[None]()


@dataclass
class _MortalParty:
    process: Mortal
    party: Party

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        await self.process.live()
        reply = await self.party.take_turn(turns)
        await self.process.live()
        return reply


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
    loses_the_next_commit: bool = False

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        if self.away:
            raise ConnectionRefusedError
        async with super()._connected() as driver:
            yield _Forgetful(self, driver)


class _Forgetful:
    """A connection on which a commit or the answer to it gets lost, when its database says so."""

    def __init__(self, database: UnreliableDatabase, driver: asyncpg.Connection) -> None:
        self._database = database
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def execute(self, statement: str, *arguments: Any) -> Any:
        if statement == "COMMIT" and self._database.loses_the_next_commit:
            self._database.loses_the_next_commit = False
            raise ConnectionResetError
        answer = await self._driver.execute(statement, *arguments)
        if statement == "COMMIT" and self._database.loses_the_next_answer:
            self._database.loses_the_next_answer = False
            raise ConnectionResetError
        return answer


async def waits_for_a_lock(onlooker: asyncpg.Connection) -> bool:
    """Say whether a statement of a caller waits for somebody else."""
    waits: bool = await onlooker.fetchval(
        "SELECT count(*) > 0 FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'caller' AND wait_event_type = 'Lock'"
    )
    return waits
