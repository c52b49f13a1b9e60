"""Keys of the telephone: those that one presses, and those that the other side does, both as calls of a tool."""

import json

from services.caller.domain.conversation import ROLES
from services.caller.domain.media import MediaLeg
from services.caller.domain.turn import PartyError, Side
from services.caller.domain.voice import manners
from services.caller.domain.voice.phone import Conduct
from services.caller.domain.voice.sentences import OTHER
from services.caller.domain.voice.transcript import Transcript


class Keys:
    """One side's keys. What is pressed in one go is one turn of the transcript, in which it has its time."""

    def __init__(self, side: Side, leg: MediaLeg, conduct: Conduct, transcript: Transcript) -> None:
        self._side = side
        self._leg = leg
        self._transcript = transcript
        self._to_press = sorted(conduct.digits)
        self._heard = ""
        self._first_ms = self._last_ms = 0

    def press(self, noted_lines: int, now_ms: int) -> None:
        """Press what is due after so many lines of the other side. Raises PartyError where there are no keys."""
        while self._to_press and self._to_press[0][0] <= noted_lines:
            digits = self._to_press.pop(0)[1]
            try:
                self._leg.send_digits(digits)
            except ValueError:
                raise PartyError(manners.NO_KEYS) from None
            self._note(self._side, digits, now_ms, now_ms)

    def hear(self, now_ms: int) -> None:
        """Take what has come until this tick."""
        if pressed := self._leg.heard_digits():
            self._first_ms = self._first_ms if self._heard else now_ms
            self._last_ms = now_ms
            self._heard += pressed
        if self._heard and (
            now_ms - self._last_ms >= manners.KEYS_END_MS or len(self._heard) >= manners.MAX_KEYS_OF_TURN
        ):
            self.finish()

    def finish(self) -> None:
        """Note what was heard, though more of it might have come. Idempotent."""
        if self._heard:
            self._note(OTHER[self._side], self._heard, self._first_ms, self._last_ms)
            self._heard = ""

    def _note(self, by: Side, digits: str, start_ms: int, end_ms: int) -> None:
        told = {"name": "dtmf", "arguments": {"digits": digits, "pressed_by": ROLES[by]}}
        self._transcript.add("tool_call", json.dumps(told), start_ms, end_ms)
