"""When sound came, by its place among all that was put into a playout."""

from collections import deque

# Pieces that come closer together than this count as one: a frame is four times as long.
ONE_PIECE_SECONDS = 0.005


class Arrivals:
    """Positions count bytes, and only grow between two `clear`s."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, float]] = deque()  # where each ends, and when it came

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, end: int, at: float) -> None:
        """Note that all up to a position has come."""
        if self._pieces and at - self._pieces[-1][1] < ONE_PIECE_SECONDS:
            at = self._pieces.pop()[1]
        self._pieces.append((end, at))

    def take(self, position: int) -> float | None:
        """Return when what is at a position came, and forget what is before it."""
        while self._pieces and self._pieces[0][0] <= position:
            self._pieces.popleft()
        return self._pieces[0][1] if self._pieces else None

    def clear(self) -> None:
        """Forget everything."""
        self._pieces.clear()
