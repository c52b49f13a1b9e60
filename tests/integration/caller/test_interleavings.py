"""Two instances whose statements meet in every order: each run is in one hand, and ends once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg
import pytest

from services.caller.domain.attempt import Claimed, Ended
from services.caller.domain.conversation import Conversation
from services.caller.edges.claims import Claims
from services.caller.edges.db.arriving import Arriving
from services.caller.edges.db.stages import GroupedStages
from services.caller.edges.held import Held, HeldCalls
from services.caller.edges.reaper import Reaper
from services.caller.edges.taking import Taking
from services.caller.ports import Dispatch
from services.caller.usecases.saying import failed
from shared.db.database import Database
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from tests.integration.caller.faults import BreakableOutbox
from tests.integration.caller.instance import Caller, dispatched
from tests.support.databases import TestDatabase
from tests.support.interleaving import SteppedDatabase, every_order, pairs

pytestmark = pytest.mark.integration

SWITCHES = 2  # of an order, not counting those that a lock forces
NEW, WAITING, UP, LOST, RETURNED = (11, 12), 21, 31, 41, 51
ACTS = ("hear", "claim", "reap", "start", "end", "put_back", "hear_again", "cancel")
HELD = Conversation((), "caller_hangup", 1_000)


@dataclass
class Instance:
    """What one instance does, on a database that stops before each statement. Its calls are noted, and go on for ever.

    `up` is what it calls since before.
    """

    database: SteppedDatabase
    up: Claimed | None = None
    called: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = BreakableOutbox()
        self.reaper = Reaper(self.database, self.outbox)
        self.stages = GroupedStages(self.database, self.outbox)
        self.begin()

    def begin(self) -> None:
        """Have room for three."""
        self.called.clear()
        held = HeldCalls(speed=1.0, now=lambda: 0.0)
        self.taking = Taking(self.database, held, calls_limit=3, now=lambda: 0.0, run=self._call, poke=lambda: None)
        self.claims = Claims(self.database, self.taking)

    async def _call(self, held: Held) -> None:
        self.called.append(held.claimed.run_id)

    async def hear(self) -> None:
        """New runs, and one that is known."""
        async with self.database.transaction() as transaction:
            new = [Dispatch(dispatched(run_id), 1, None) for run_id in NEW]
            await Arriving(transaction, self.taking).add([*new, Dispatch(dispatched(UP), 1, None)])

    async def hear_again(self) -> None:
        """Later dispatches, and one that is new."""
        async with self.database.transaction() as transaction:
            later = [Dispatch(dispatched(run_id, dispatch_no=2), 2, None) for run_id in (WAITING, UP, RETURNED)]
            await Arriving(transaction, self.taking).add(later)

    async def cancel(self) -> None:
        """What is up, what waits and what was given back."""
        async with self.database.transaction() as transaction:
            canceled = await Arriving(transaction, self.taking).cancel({UP, WAITING, RETURNED})
            await self.outbox.write(transaction, [failed(one) for one in canceled])

    async def claim(self) -> None:
        await self.claims.claim_once()

    async def reap(self) -> None:
        await self.reaper.reap_once()

    async def start(self) -> None:
        if self.up is not None:
            now = asyncio.get_running_loop().time()
            await self._stage(self.stages.start(self.up, dispatched(UP), now, None))

    async def end(self) -> None:
        if self.up is not None:
            now = asyncio.get_running_loop().time()
            await self._stage(self.stages.end(self.up, dispatched(UP), Ended(now, HELD, ""), None))

    async def put_back(self) -> None:
        if self.up is not None:
            await self._stage(self.stages.put_back(self.up, dispatched(UP)))

    async def _stage(self, stage: Awaitable[object]) -> None:
        running = asyncio.create_task(self.stages.run())
        try:
            await stage
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def act(self, name: str) -> Callable[[], Awaitable[None]]:
        """What the instance does."""
        act: Callable[[], Awaitable[None]] = getattr(self, name)
        return act


@pytest.fixture
async def instances(test_database: TestDatabase) -> AsyncIterator[list[Instance]]:
    """Two of them."""
    both = [
        Instance(SteppedDatabase(test_database.url("caller"), schema="caller", matters=lambda sql: "attempts" in sql))
        for _ in range(2)
    ]
    yield both
    for one in both:
        await one.database.dispose()


@pytest.mark.parametrize(("first", "second"), list(pairs(ACTS)))
async def test_in_every_order_each_run_is_in_one_hand_and_ends_once(
    caller: Caller,
    database: Database,
    onlooker: asyncpg.Connection,
    instances: list[Instance],
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
) -> None:
    monkeypatch.setattr("services.caller.edges.db.stages.START_PAUSE_SECONDS", 0.0)

    async def prepare() -> None:
        await onlooker.execute("DELETE FROM attempts; DELETE FROM outbox")
        await caller.hear_without_room(dispatched(UP), dispatched(LOST))
        claimed = {one.run_id: one for one in await caller.claims_and_vanishes()}
        await caller.leases_run_out(LOST)
        await caller.hear_without_room(dispatched(RETURNED, starts_within_seconds=-1))
        await onlooker.execute(
            "UPDATE attempts SET status = 'returned', ended_at = now(), dispatch = NULL WHERE run_id = $1", RETURNED
        )
        if "claim" in (first, second):  # otherwise nothing waits, and what is heard is taken
            await caller.hear_without_room(dispatched(WAITING))
        for one in instances:
            one.begin()
            one.up = claimed[UP]

    async def check() -> None:
        await asyncio.sleep(0)  # calls begin
        called = Counter(run_id for one in instances for run_id in one.called)
        assert max(called.values(), default=1) == 1, f"called twice: {called}"
        rows = {row["run_id"]: row["status"] for row in await onlooker.fetch("SELECT run_id, status FROM attempts")}
        assert all(rows[run_id] == "dialling" for run_id in called), f"called, and not in hand: {called} {rows}"
        assert {rows[run_id] for run_id in rows if run_id not in (*called, UP)} <= {
            "waiting",
            "returned",
            "failed",
            "dialling",
        }
        assert rows[LOST] in ("dialling", "failed")
        said = await caller.ear.said()
        kinds = [type(one) for one in said if getattr(one, "run_id", 0) == UP]
        ended = rows[UP] == "completed"
        assert kinds.count(TestCallCompleted) == ended
        assert kinds.count(CallStarted) == (rows[UP] in ("started", "completed")), kinds
        assert kinds == sorted(kinds, key=[CallStarted, TestCallCompleted, TestCallFailed].index)
        assert kinds.count(TestCallFailed) == (rows[UP] == "failed")
        failures = Counter(one.run_id for one in said if isinstance(one, TestCallFailed))
        assert failures == Counter(run_id for run_id, status in rows.items() if status == "failed")

    acts = [(one.database.steps, one.act(name)) for one, name in zip(instances, (first, second), strict=True)]
    assert await every_order(acts, prepare=prepare, check=check, onlooker=onlooker, switches=SWITCHES) >= 1
