"""Talking over the other side on purpose."""

from services.caller.domain.voice.listening import Listening
from services.caller.domain.voice.phone import Conduct


class Interrupting:
    """Says when it is time; each line of the other side is interrupted once, and so many of them as were asked for."""

    def __init__(self, conduct: Conduct, listening: Listening) -> None:
        self._conduct = conduct
        self._listening = listening
        self._done = 0
        self._last_ms = -1  # where the line began that was interrupted last

    def is_due(self) -> bool:
        """Say whether it is time to talk over a line that goes on."""
        after_ms = self._conduct.interrupt_after_ms
        if after_ms is None or self._done >= self._conduct.interruptions or not self._listening.talking:
            return False
        return self._listening.voiced_ms >= after_ms and self._listening.start_ms != self._last_ms

    def begin(self) -> None:
        """Count it."""
        self._last_ms = self._listening.start_ms
        self._done += 1
