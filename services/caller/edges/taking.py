"""Takes attempts while there is room: what a transaction writes as ours is called when it is surely committed.

Room is reserved while the transaction runs. If nobody knows whether it was committed, nothing of it is called: as soon
as PostgreSQL has decided, what there is of it is put back for whoever has room.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from uuid import UUID, uuid4

from services.caller.edges.calls.weighing import Weighing
from services.caller.edges.db.attempts import SqlAttempts
from services.caller.edges.held import Held, HeldCalls, Taken
from shared.db.database import Database
from shared.db.failures import is_transient
from shared.db.transaction import Transaction
from shared.telemetry import logs

DOUBT_PAUSE_SECONDS = 0.25

log = logs.logger(__name__)


@dataclass(slots=True, eq=False)
class Take:
    """What one transaction may take and takes, under one token. `xid` is PostgreSQL's number of it.

    `room` counts attempts, `weight` is what they may weigh together.
    """

    room: int
    weight: int
    asked_at: float
    token: UUID = field(default_factory=uuid4)
    attempts: Sequence[Taken] = ()
    xid: str = ""


class Taking:
    """At most `calls_limit` attempts are held or being taken, of those with sound as many as weigh as much as that.

    `run` is a call's life; `poke` wakes the claims.
    """

    def __init__(
        self,
        database: Database,
        held: HeldCalls,
        *,
        calls_limit: int,
        now: Callable[[], float],
        run: Callable[[Held], Coroutine[Any, Any, None]],
        poke: Callable[[], None],
    ) -> None:
        self._database = database
        self._held = held
        self._calls_limit = calls_limit
        self._now = now
        self._run = run
        self._poke = poke
        self._open: set[Take] = set()
        self._settled = asyncio.Event()
        self._doubts: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """How much more may be taken, in calls in text."""
        return max(0, self._calls_limit - self._held.weight - sum(take.weight for take in self._open))

    @property
    def weigh(self) -> Weighing:
        """What calls weigh here."""
        return self._held.weigh

    @property
    def calls_limit(self) -> int:
        """How many calls may be held, as far as is known: those that are, and calls in text in the room left."""
        return min(self._calls_limit, len(self._held) + self.room)

    def reserve(self, transaction: Transaction, weights: Sequence[int]) -> Take:
        """Reserve room until the transaction is over, for as many of these as fit; for one, if there is any at all."""
        fit = sum(total <= self.room for total in accumulate(weights)) or min(len(weights), self.room, 1)
        take = Take(fit, sum(weights[:fit]), self._now())
        if take.room:
            self._open.add(take)
            transaction.at_end(lambda committed: self._over(take, committed))
        return take

    def let_wait(self, transaction: Transaction) -> None:
        """Look for waiting attempts after the commit: it lets some wait."""
        transaction.after_commit(self._poke)

    def hang_up(self, transaction: Transaction, run_ids: Collection[int]) -> None:
        """Hang up those of these runs that are held here, once it is committed that they are to be canceled.

        So are those that it took itself: they are held by then, and have not begun.
        """
        transaction.at_end(lambda committed: self._held.cancel(run_ids if committed else ()))

    async def stop(self) -> None:
        """Take nothing more. What is being taken is held when this returns."""
        self._calls_limit = 0
        while self._open:
            self._settled.clear()
            await self._settled.wait()

    async def undoubted(self, within_seconds: float) -> None:
        """Wait until nothing is in doubt any more."""
        if self._doubts:
            await asyncio.wait(self._doubts, timeout=within_seconds)

    def _over(self, take: Take, committed: bool | None) -> None:
        self._open.discard(take)
        self._settled.set()
        if committed:
            for taken in take.attempts:
                held = self._held.take(taken, asked_at=take.asked_at)
                held.task = asyncio.create_task(self._run(held), name=f"call {taken.claimed.run_id}")
        elif committed is None and take.attempts:
            doubt = asyncio.create_task(self._put_back(take), name="doubt")
            self._doubts.add(doubt)
            doubt.add_done_callback(self._doubts.discard)

    async def _put_back(self, take: Take) -> None:
        log.warning("not known whether attempts were taken", extra={"attempts": len(take.attempts)})
        while True:
            try:
                async with self._database.transaction() as transaction:
                    attempts = SqlAttempts(transaction)
                    if await attempts.is_decided(take.xid):
                        await attempts.put_back(take.attempts)
                        break
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("not put back yet", extra={"error": logs.error_name(error)})
            await asyncio.sleep(DOUBT_PAUSE_SECONDS)
        self._poke()
