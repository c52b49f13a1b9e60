"""What one says, frame by frame, and how much of it was heard when it stops."""

from services.caller.domain.media import FRAME_BYTES, FRAME_MS
from services.caller.domain.speech import spoken_ms, spoken_within


class Speaking:
    """A line that is being said. Sound: samples as in a frame."""

    def __init__(self, text: str, sound: bytes, start_ms: int) -> None:
        self.text = text
        self.start_ms = start_ms
        self.played_ms = 0
        self._sound = sound

    @property
    def over(self) -> bool:
        """Whether all of it was said."""
        return self.played_ms // FRAME_MS * FRAME_BYTES >= len(self._sound)

    def frame(self) -> bytes:
        """Return the next frame, the last one filled up with silence."""
        at = self.played_ms // FRAME_MS * FRAME_BYTES
        self.played_ms += FRAME_MS
        return self._sound[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")

    def said(self) -> str:
        """Return what was said until now: of a sentence that was cut, the words that its share of the sound gives."""
        if self.over:
            return self.text
        share = self.played_ms // FRAME_MS * FRAME_BYTES / len(self._sound)
        return spoken_within(self.text, round(share * spoken_ms(self.text)))
