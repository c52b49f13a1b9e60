"""Records that wait for records of other topics: their partition is held back, the others go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HELD_BACK_SECONDS = 0.1
HELD_BACK_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first record of a partition that cannot be applied yet. Times are of the consumer's monotonic clock."""

    record: Any
    since: float
    until: float


class HoldBack:
    """Remembers, for each held partition (by the client's own key), what it waits for and since when."""

    def __init__(self, *, limit_seconds: float = HELD_BACK_LIMIT_SECONDS) -> None:
        self._limit_seconds = limit_seconds
        self._waiting: dict[Any, Waiting] = {}
        self._held: set[Any] = set()

    def hold(self, partition: Any, record: Any, now: float) -> bool:
        """Hold a partition at a record. Returns False if the record has waited for too long already."""
        before = self._waiting.get(partition)
        since = before.since if before is not None and before.record.offset == record.offset else now
        if now - since > self._limit_seconds:
            self.forget(partition)
            return False
        self._waiting[partition] = Waiting(record, since, now + HELD_BACK_SECONDS)
        self._held.add(partition)
        return True

    def due(self, now: float) -> Sequence[Any]:
        """Return the partitions to try again, which are not held from now on (but their wait goes on being counted)."""
        due = [partition for partition in self._held if self._waiting[partition].until <= now]
        self._held.difference_update(due)
        return due

    def held(self) -> frozenset[Any]:
        """Return the partitions held now."""
        return frozenset(self._held)

    def release(self, partition: Any) -> None:
        """Try a partition again at once; what it waits for goes on being counted."""
        self._held.discard(partition)

    def forget(self, partition: Any) -> None:
        """The partition moved on."""
        self._waiting.pop(partition, None)
        self._held.discard(partition)

    def clear(self) -> None:
        """A new assignment: nothing is held."""
        self._waiting.clear()
        self._held.clear()
