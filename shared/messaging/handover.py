"""What this process has just committed, on its way to the relay that leads: from memory, in the order of the commits.

Whoever waited for another's row lock asks for its own commit after the other's was done. So the order in which commits
are asked for puts nothing before what it follows from, and the ids are another such order. The order in which their
answers are heard is none: PostgreSQL lets go of the locks first, and may say so later.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from shared.db.transaction import Outcome
from shared.events.envelope import Headers

COMMIT_PATIENCE_SECONDS = 1.0
DOUBT_SECONDS = 30.0  # by then PostgreSQL has ended what a lost line was in the middle of (shared/db/liveness.py)


class Row(NamedTuple):
    """A row of the outbox. `headers` are bytes as they are stored, or a list that was never written down here."""

    id: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers | bytes


class Taker(Protocol):
    """A relay that leads."""

    def take(self, rows: Sequence[Row]) -> None:
        """Publish what was committed."""

    def announce(self) -> None:
        """Read the table."""


@dataclass(slots=True)
class _Commit:
    rows: Sequence[Row]
    asked_at: float = field(default_factory=time.monotonic)
    surely: bool | None = None


class Handover:
    """A queue of commits that were asked for. `taker` gets what went through, in that order."""

    def __init__(self) -> None:
        self.taker: Taker | None = None
        self._asked: deque[_Commit] = deque()
        self._in_doubt_until = float("-inf")

    def ask(self, rows: Sequence[Row]) -> Outcome:
        """Queue rows whose commit is asked for now; return what is to be told of it."""
        commit = _Commit(rows)
        self._asked.append(commit)

        def outcome(surely: bool) -> None:
            if commit.surely is False:
                self._doubt()  # it took too long, and others went before it
            commit.surely = surely
            self._hand_over()

        return outcome

    def announce(self) -> None:
        """Let the table be read: it has rows that were not handed over."""
        if self.taker is not None:
            self.taker.announce()

    def in_doubt(self) -> bool:
        """Say whether a commit may have gone through, or may still, of which nobody was told.

        Then what follows from it may be handed over before it is seen. The table shows one after the other.
        """
        return time.monotonic() < self._in_doubt_until

    def ids(self) -> Iterator[int]:
        """Give the ids of what will be handed over yet, unless it is rolled back."""
        return (row.id for commit in self._asked for row in commit.rows)

    def give_up_waiting(self) -> None:
        """Let nobody wait any longer for an answer that takes more than `COMMIT_PATIENCE_SECONDS`."""
        for commit in self._asked:
            if time.monotonic() - commit.asked_at <= COMMIT_PATIENCE_SECONDS:
                break
            if commit.surely is None:
                commit.surely = False
        self._hand_over()

    def _hand_over(self) -> None:
        while self._asked and self._asked[0].surely is not None:
            commit = self._asked.popleft()
            if not commit.surely:
                self._doubt()
            elif self.taker is not None:
                self.taker.take(commit.rows)

    def _doubt(self) -> None:
        self._in_doubt_until = time.monotonic() + DOUBT_SECONDS
        self.announce()
