"""How long a leader may act on what PostgreSQL said last: a process that was frozen wakes up without knowing of it."""

import time
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

AUTHORITY_SHARE = 0.6  # of the lease: so long after its last question to PostgreSQL a leader still sends


class Lease:
    """PostgreSQL ends a session that asks nothing for `seconds`, and with it the lock of the one who leads."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._asked_at = float("-inf")

    async def ask(self, question: Awaitable[T]) -> T:
        """Ask PostgreSQL over the session that has the lock. Counts from before the question, once it is answered."""
        asked_at = now()
        answer = await question
        self._asked_at = asked_at
        return answer

    def surely_ours(self) -> bool:
        """Say whether the lock can't have gone to somebody else."""
        return now() - self._asked_at < self.seconds * AUTHORITY_SHARE


def now() -> float:
    """Seconds on a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
