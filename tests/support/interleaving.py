"""Every order in which the statements of several transactions can meet in PostgreSQL, tried one after the other.

Each actor works on a database of its own whose transactions stop before every statement that matters and before the
commit. One statement is let go at a time; an actor that waits for another's lock is told by pg_blocking_pids, and left
alone until the lock is free. What the orders have in common is replayed, so nothing has to be undone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shared.db.database import Database
from shared.db.transaction import Transaction

LOOK_SECONDS = 0.002
STUCK_SECONDS = 20.0


class Steps:
    """One actor's gate."""

    def __init__(self, matters: Callable[[str], bool]) -> None:
        self._matters = matters
        self._go = asyncio.Event()
        self.waits = False
        self.free = True
        self.pid = 0

    async def before(self, statement: str) -> None:
        """Wait to be let go."""
        if self.free or not self._matters(statement):
            return
        self.waits = True
        await self._go.wait()
        self._go.clear()

    def let_go(self) -> None:
        """Let one statement go."""
        self.waits = False
        self._go.set()


class SteppedTransaction(Transaction):
    """A transaction that stops before its statements."""

    def __init__(self, connection: asyncpg.Connection, steps: Steps) -> None:
        super().__init__(connection)
        self._steps = steps

    async def rows(self, statement: str, **parameters: Any) -> Sequence[Any]:
        await self._steps.before(statement)
        return await super().rows(statement, **parameters)

    async def row(self, statement: str, **parameters: Any) -> Any | None:
        await self._steps.before(statement)
        return await super().row(statement, **parameters)

    async def value(self, statement: str, **parameters: Any) -> Any:
        await self._steps.before(statement)
        return await super().value(statement, **parameters)

    async def run(self, statement: str, **parameters: Any) -> int:
        await self._steps.before(statement)
        return await super().run(statement, **parameters)

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        await self._steps.before(f"COPY {table}")
        await super().copy(table, columns, rows)


class SteppedDatabase(Database):
    """A database whose transactions stop before each statement that `matters`, and before they commit."""

    def __init__(self, url: str, *, schema: str, matters: Callable[[str], bool]) -> None:
        super().__init__(url, schema=schema, pool_connections=1)
        self.steps = Steps(lambda statement: statement == "COMMIT" or matters(statement))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._connected() as driver, driver.transaction():
            self.steps.pid = driver.get_server_pid()
            transaction = SteppedTransaction(driver, self.steps)
            yield transaction
            await self.steps.before("COMMIT")
        transaction.wake()


@dataclass
class Order:
    """One order: at each place which of the actors that could go on did, and how many could.

    0 is the actor that went last, if it can go on; everything else is a switch that it did not ask for.
    """

    choices: list[int] = field(default_factory=list)
    options: list[int] = field(default_factory=list)
    forced: list[bool] = field(default_factory=list)

    def switches(self, upto: int) -> int:
        """Count the switches that nothing forced, of the first places."""
        return sum(1 for nth in range(upto) if self.choices[nth] and not self.forced[nth])

    def next(self, most_switches: int) -> list[int] | None:
        """Return the beginning of the next order, None after the last."""
        for nth in reversed(range(len(self.choices))):
            cost = 0 if self.forced[nth] else 1
            if self.choices[nth] + 1 < self.options[nth] and self.switches(nth) + cost <= most_switches:
                return [*self.choices[:nth], self.choices[nth] + 1]
        return None


async def play(
    acts: Sequence[tuple[Steps, Callable[[], Awaitable[Any]]]], beginning: list[int], onlooker: asyncpg.Connection
) -> Order:
    """Let actors act in one order, of which the beginning is given. Raises what an actor raises."""
    order = Order()
    tasks = []
    for steps, act in acts:
        steps.free = False
        tasks.append(asyncio.ensure_future(act()))
    last: int | None = None
    try:
        async with asyncio.timeout(STUCK_SECONDS):
            while True:
                await _settled(acts, tasks, onlooker)
                able = [nth for nth, (steps, _) in enumerate(acts) if steps.waits]
                if not able:
                    break
                if last in able:
                    able.remove(last)
                    able.insert(0, last)
                place = len(order.choices)
                choice = beginning[place] if place < len(beginning) else 0
                order.choices.append(choice)
                order.options.append(len(able))
                order.forced.append(last not in able)
                last = able[choice]
                acts[last][0].let_go()
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for steps, _ in acts:
            steps.free, steps.waits = True, False
    return order


async def _settled(
    acts: Sequence[tuple[Steps, Any]], tasks: Sequence[asyncio.Future[Any]], onlooker: asyncpg.Connection
) -> None:
    """Wait until every actor waits to be let go, has ended, or waits for another's lock."""
    while True:
        moving = [steps.pid for (steps, _), task in zip(acts, tasks, strict=True) if not (steps.waits or task.done())]
        if not moving:
            return
        someone_can_go = any(steps.waits for steps, _ in acts)
        blocked = await onlooker.fetchval(
            "SELECT count(*) FROM unnest($1::int[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0", moving
        )
        if someone_can_go and blocked == len(moving):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def every_order(
    acts: Sequence[tuple[Steps, Callable[[], Awaitable[Any]]]],
    *,
    prepare: Callable[[], Awaitable[None]],
    check: Callable[[], Awaitable[None]],
    onlooker: asyncpg.Connection,
    switches: int,
) -> int:
    """Prepare, play and check every order with at most so many switches that nothing forced; return how many."""
    beginning: list[int] | None = []
    played = 0
    while beginning is not None:
        await prepare()
        order = Order()
        try:
            order = await play(acts, beginning, onlooker)
            await check()
        except BaseException as error:
            error.add_note(f"order {order.choices or beginning}, the {played + 1}th")
            raise
        played += 1
        beginning = order.next(switches)
    return played


def pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every two of these, a pair of equals too."""
    for nth, first in enumerate(names):
        for second in names[nth:]:
            yield first, second
