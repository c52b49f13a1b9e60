"""DTMF as RFC 4733 says: events beside the sound, on a timestamp of their own."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from aiortp import DtmfEvent
from aiortp.dtmf import DTMF_EVENTS, EVENT_TO_DIGIT

from services.caller.domain.media import FRAME_SAMPLES
from services.caller.edges.media.packets import Packet

DIGIT_FRAMES = 8  # 160 ms: longer than any switch asks for
PAUSE_FRAMES = 5  # 100 ms between two digits
END_PACKETS = 3
VOLUME_DBM0 = 10
MAX_DIGITS_WAITING = 64
REMEMBERED_EVENTS = 16  # in which one that comes late is known


class EventPacket(NamedTuple):
    """What is to be sent in a frame's time. `age_samples`: how long ago the event began."""

    payload: bytes
    begins: bool
    age_samples: int


class DigitsOut:
    """Digits that wait for their frames."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._now: Iterator[tuple[EventPacket, ...]] = iter(())

    def add(self, digits: str) -> None:
        """Let these follow, without characters that are no digits, as far as there is room."""
        known = [digit for digit in digits.upper() if digit in DTMF_EVENTS]
        self._waiting.extend(known[: MAX_DIGITS_WAITING - len(self._waiting)])

    def next_frame(self) -> tuple[EventPacket, ...]:
        """Return what is to be sent now: nothing, an event that goes on, or its end, three times for safety."""
        packets = next(self._now, None)
        if packets is None and self._waiting:
            self._now = _packets_of(self._waiting.popleft())
            packets = next(self._now, None)
        return packets or ()


def _packets_of(digit: str) -> Iterator[tuple[EventPacket, ...]]:
    for frame in range(DIGIT_FRAMES):
        last = frame == DIGIT_FRAMES - 1
        event = DtmfEvent(DTMF_EVENTS[digit], last, VOLUME_DBM0, (frame + 1) * FRAME_SAMPLES)
        yield (EventPacket(event.serialize(), frame == 0, frame * FRAME_SAMPLES),) * (END_PACKETS if last else 1)
    for _ in range(PAUSE_FRAMES):
        yield ()


class DigitsIn:
    """Digits that came, each once, at its first packet: its end may be lost."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_EVENTS)
        self._heard = ""

    def take(self, packet: Packet) -> bool:
        """Read an event; return whether it is one."""
        try:
            event = DtmfEvent.parse(packet.payload)
        except ValueError:
            return False
        digit = EVENT_TO_DIGIT.get(event.event)
        if digit is None:
            return False
        if (packet.ssrc, packet.timestamp) not in self._known:
            self._known.append((packet.ssrc, packet.timestamp))
            self._heard = (self._heard + digit)[-MAX_DIGITS_WAITING:]
        return True

    def heard(self) -> str:
        """Return what came since the last time."""
        heard, self._heard = self._heard, ""
        return heard
