"""The jitter buffer: a second of sound, addressed by the samples' timestamps.

What is written where it belongs needs no order: packets of any length, twice, late or crossed come out right. A frame
is read at each tick. The delay is as long as the latest packet of two seconds needed: it grows when one comes too late,
and shrinks again, a frame at a time, where it is quiet.
"""

from array import array

import numpy as np
from aiortp import PcmConcealer

from services.caller.domain.media import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, SILENCE
from services.caller.edges.media.serials import ahead32

RING_SAMPLES = SAMPLE_RATE_HZ
FIRST_DELAY_FRAMES = 1
MAX_GROWTH_FRAMES = 10  # of one late packet; one that is later still is believed with the packet after it
SHRINK_WINDOW_TICKS = 100
SPARE_SAMPLES = 2 * FRAME_SAMPLES  # so early the latest packet may be before the delay shrinks
QUIET_PEAK = 300
MAX_SHRINK_WAIT_TICKS = 250  # for a quiet frame; then one is left out in the middle of speech

_HEARD = b"\x01" * FRAME_SAMPLES
_MISSING = bytes(FRAME_SAMPLES)
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1_000


class Playout:
    """Positions count samples of the far end's timeline; `_head` is the one that is read next."""

    def __init__(self) -> None:
        self._sound = bytearray(2 * RING_SAMPLES)
        self._heard = bytearray(RING_SAMPLES)
        self._head = 0
        self._head_timestamp: int | None = None
        self._next_stray: int | None = None
        self._hold_frames = 0
        self._earliest_slack = RING_SAMPLES
        self._window_ticks = self._surplus_ticks = 0
        self._concealer = PcmConcealer(SAMPLE_RATE_HZ)
        self._missing = 0  # samples made up, nobody knows yet what for
        self._owed = 0  # samples of packets that were lost, and are not made up yet
        self._concealed = 0

    @property
    def concealed_ms(self) -> int:
        """Return how much was made up for packets that were lost or too late, pauses of the sender left out."""
        return self._concealed // _SAMPLES_PER_MS

    def write(self, timestamp: int, sound: bytes, step: int) -> int | None:
        """Put samples where they belong; return how long before they are due, in samples, or None if they are not used.

        `step`: by how many packets this one is ahead. What is missing before it was lost only as far as packets were:
        the rest is a pause.
        """
        samples = len(sound) // 2
        if self._head_timestamp is None:
            self._begin(timestamp)
        slack = ahead32(timestamp, self._head_timestamp or 0)
        if not -MAX_GROWTH_FRAMES * FRAME_SAMPLES <= slack <= RING_SAMPLES - 2 * samples:
            expected, self._next_stray = self._next_stray, (timestamp + samples) & 0xFFFF_FFFF
            if timestamp != expected:
                return None
            self._begin(timestamp)
            slack = ahead32(timestamp, self._head_timestamp or 0)
        self._next_stray = None
        self._earliest_slack = min(self._earliest_slack, slack)
        position = self._head + slack
        late = min(samples, max(0, -slack))
        if step > 0:
            self._owed += (step - 1) * samples
            self._concealed += late
            self._settle()
            self._missing = 0  # what else was missing until now was a pause
        else:
            self._owed = max(0, self._owed - (samples - late))  # it was not lost, it was overtaken
        if late:
            self._hold_frames = max(self._hold_frames, -(slack // FRAME_SAMPLES))
            sound = sound[-2 * slack :]
            samples = len(sound) // 2
            position = self._head
        if samples:
            self._place(position % RING_SAMPLES, sound, samples)
        return slack

    def _settle(self) -> None:
        """Count what was made up for packets that are known to be lost."""
        made_up = min(self._owed, self._missing)
        self._concealed += made_up
        self._owed -= made_up
        self._missing -= made_up

    def _begin(self, timestamp: int) -> None:
        """Let this be what is due after the first delay."""
        self._heard[:] = bytes(RING_SAMPLES)
        self._head_timestamp = (timestamp - FIRST_DELAY_FRAMES * FRAME_SAMPLES) & 0xFFFF_FFFF
        self._hold_frames = self._window_ticks = self._surplus_ticks = self._owed = 0
        self._earliest_slack = RING_SAMPLES

    def _place(self, index: int, sound: bytes, samples: int) -> None:
        fits = min(samples, RING_SAMPLES - index)
        self._sound[2 * index : 2 * (index + fits)] = sound[: 2 * fits]
        self._heard[index : index + fits] = b"\x01" * fits
        if fits < samples:
            rest = samples - fits
            self._sound[: 2 * rest] = sound[2 * fits :]
            self._heard[:rest] = b"\x01" * rest

    def skip(self, frames: int) -> None:
        """Leave out what would have been read in ticks that were left out."""
        for _ in range(min(frames, RING_SAMPLES // FRAME_SAMPLES) if self._head_timestamp is not None else 0):
            self._advance()

    def read(self) -> bytes:
        """Return the frame that is due."""
        if self._head_timestamp is None:
            return SILENCE
        if self._hold_frames:
            self._hold_frames -= 1
            return self._concealer.conceal(FRAME_SAMPLES)
        frame = self._frame()
        self._advance()
        self._mind_delay(frame)
        return frame

    def _frame(self) -> bytes:
        index = self._head % RING_SAMPLES
        heard = self._heard[index : index + FRAME_SAMPLES]
        frame = bytes(self._sound[2 * index : 2 * index + FRAME_BYTES])
        if heard != _HEARD:
            there = heard.count(1)
            self._missing += FRAME_SAMPLES - there
            self._settle()
            made_up = self._concealer.conceal(FRAME_SAMPLES)
            if not there:
                return made_up
            came = np.frombuffer(heard, np.uint8).astype(bool)
            frame = np.where(came, np.frombuffer(frame, "<i2"), np.frombuffer(made_up, "<i2")).astype("<i2").tobytes()
        self._concealer.update(frame)
        return frame

    def _advance(self) -> None:
        index = self._head % RING_SAMPLES
        self._heard[index : index + FRAME_SAMPLES] = _MISSING
        self._head += FRAME_SAMPLES
        self._head_timestamp = ((self._head_timestamp or 0) + FRAME_SAMPLES) & 0xFFFF_FFFF

    def _mind_delay(self, frame: bytes) -> None:
        self._window_ticks += 1
        if self._window_ticks >= SHRINK_WINDOW_TICKS:
            too_early = SPARE_SAMPLES <= self._earliest_slack < RING_SAMPLES
            self._surplus_ticks = max(self._surplus_ticks, 1) if too_early else 0
            self._window_ticks, self._earliest_slack = 0, RING_SAMPLES
        if self._surplus_ticks:
            self._surplus_ticks += 1
            if self._surplus_ticks > MAX_SHRINK_WAIT_TICKS or _is_quiet(frame):
                self._advance()
                self._window_ticks = self._surplus_ticks = 0
                self._earliest_slack = RING_SAMPLES


def _is_quiet(frame: bytes) -> bool:
    samples = array("h")
    samples.frombytes(frame)
    return max(samples) < QUIET_PEAK and min(samples) > -QUIET_PEAK
