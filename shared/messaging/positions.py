"""How far each partition was heard, and how much of that is stored."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

TopicPartition = tuple[str, int]
Moves = Mapping[TopicPartition, tuple[int, int]]


class Positions:
    """The next offset of each partition of one assignment.

    What has an effect is stored with it. What has none (records for others, commit markers) moves the place in memory
    alone, until the next transaction takes it along: after a crash it is heard again, and has no effect again.
    """

    def __init__(self) -> None:
        self._heard: dict[TopicPartition, int] = {}
        self._stored: dict[TopicPartition, int] = {}
        self._moving = asyncio.Lock()

    def __contains__(self, at: TopicPartition) -> bool:
        return at in self._heard

    def __getitem__(self, at: TopicPartition) -> int:
        """Return the offset of what is to be heard next."""
        return self._heard[at]

    def get(self, at: TopicPartition) -> int | None:
        """Return the offset of what is to be heard next, None for a partition without a place."""
        return self._heard.get(at)

    def place(self, at: TopicPartition, stored: int) -> None:
        """Go on at what is stored."""
        self._heard[at] = self._stored[at] = stored

    def leave(self, at: TopicPartition) -> None:
        """Hear nothing more of a partition."""
        self._heard.pop(at, None)
        self._stored.pop(at, None)

    def pass_by(self, ends: Mapping[TopicPartition, int]) -> None:
        """Go on behind what had no effect."""
        self._heard.update(ends)

    def stored(self) -> dict[TopicPartition, int]:
        """Return how far everything is stored."""
        return dict(self._stored)

    def unstored(self) -> bool:
        """Say whether some place is known in memory alone."""
        return self._heard != self._stored

    def moving(self) -> bool:
        """Say whether a transaction is under way that stores all there is to store."""
        return self._moving.locked()

    @asynccontextmanager
    async def move(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[Moves]:
        """Give a transaction what it has to store: `ends`, and what was passed by. A block that fails moves nothing."""
        async with self._moving:
            before, after = self._stored, {**self._heard, **ends}
            moves = {at: (before[at], upto) for at, upto in after.items() if before[at] != upto}
            yield moves
            for at, (_, upto) in moves.items():
                self._stored[at] = upto
            self._heard.update(ends)
