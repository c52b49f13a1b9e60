"""Where a line begins and where it ends, in frames on the media clock."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.caller.domain.media import FRAME_MS
from services.caller.domain.voice import manners

Voiced = Callable[[bytes], bool]  # says of a frame whether somebody speaks in it


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said without a long pause, from its first voiced frame to behind its last. `sound` begins before it."""

    start_ms: int
    end_ms: int
    voiced_ms: int
    sound: bytes


class Listening:
    """Hears frame by frame. The moment of a frame is given with it: where frames are missing, time goes on."""

    def __init__(self, voiced: Voiced) -> None:
        self._is_voiced = voiced
        # The newest frames: when each began, whether it is voiced, and its sound.
        self._recent: deque[tuple[int, bool, bytes]] = deque(
            maxlen=(manners.LEAD_MS + manners.ONSET_WINDOW_MS) // FRAME_MS
        )
        self._sound: list[bytes] = []
        self._voiced_end_ms = self._silent_frames = 0
        self.start_ms = 0  # of the line that goes on
        self.voiced_ms = 0  # of the line that goes on, 0 while there is none

    @property
    def talking(self) -> bool:
        """Whether a line goes on."""
        return bool(self._sound)

    def hear(self, now_ms: int, frame: bytes) -> Utterance | None:
        """Take the frame that began at `now_ms`; return the line that is over with it."""
        voiced = self._is_voiced(frame)
        if not self._sound:
            self._recent.append((now_ms, voiced, frame))
            self._begin_if_speech(now_ms)
            return None
        self._sound.append(frame)
        self._silent_frames += 1
        if voiced:
            self.voiced_ms += FRAME_MS
            self._voiced_end_ms = now_ms + FRAME_MS
            self._silent_frames = 0
        silent_ms = now_ms + FRAME_MS - self._voiced_end_ms
        if silent_ms >= manners.END_SILENCE_MS or len(self._sound) * FRAME_MS >= manners.MAX_UTTERANCE_MS:
            return self.flush()
        return None

    def so_far(self) -> Utterance:
        """Return what there is of the line that goes on."""
        kept = len(self._sound) - max(0, self._silent_frames - manners.TAIL_MS // FRAME_MS)
        return Utterance(self.start_ms, self._voiced_end_ms, self.voiced_ms, b"".join(self._sound[:kept]))

    def flush(self) -> Utterance | None:
        """Return the line that goes on as over."""
        if not self._sound:
            return None
        utterance = self.so_far()
        self._sound, self.voiced_ms = [], 0
        self._recent.clear()
        return utterance

    def _begin_if_speech(self, now_ms: int) -> None:
        window = [one for one in self._recent if one[1] and one[0] > now_ms - manners.ONSET_WINDOW_MS]
        if len(window) * FRAME_MS < manners.ONSET_MS:
            return
        self.start_ms = window[0][0]
        led = [one for one in self._recent if one[0] >= self.start_ms - manners.LEAD_MS]
        self._sound = [frame for _, _, frame in led]
        self.voiced_ms = len(window) * FRAME_MS
        self._voiced_end_ms = now_ms + FRAME_MS
        self._silent_frames = 0
