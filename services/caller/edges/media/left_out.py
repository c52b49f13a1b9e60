"""Where in a call's frames the clock left out ticks: time that passed for the far end, and is in no frame."""

from bisect import bisect_right
from collections.abc import Callable

from services.caller.domain.media import FRAME_MS


class LeftOut:
    """Turns places in the frames into the far end's time, and back. `skipped`: the clock's."""

    def __init__(self, skipped: Callable[[], int]) -> None:
        self._skipped = skipped
        self._before_ticks = skipped()
        self._places_ms: list[float] = []
        self._times_ms: list[float] = []
        self._passed_ms: list[float] = [0.0]

    @property
    def ticks(self) -> int:
        """Return how many ticks were left out."""
        return round(self._passed_ms[-1] / FRAME_MS)

    def look(self, place_ms: float) -> None:
        """Note what was left out before the frame at this place."""
        passed_ms = (self._skipped() - self._before_ticks) * FRAME_MS
        if passed_ms > self._passed_ms[-1]:
            self._places_ms.append(place_ms)
            self._times_ms.append(place_ms + passed_ms)
            self._passed_ms.append(passed_ms)

    def time_ms(self, place_ms: float) -> float:
        """Return the far end's time at a place in the frames."""
        return place_ms + self._passed_ms[bisect_right(self._places_ms, place_ms)]

    def place_ms(self, time_ms: float) -> float:
        """Return the place in the frames at a time of the far end."""
        index = bisect_right(self._times_ms, time_ms)
        place_ms = time_ms - self._passed_ms[index]
        return min(place_ms, self._places_ms[index]) if index < len(self._places_ms) else place_ms
