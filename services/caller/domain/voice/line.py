"""One end of a line: exchanges a frame for a frame at each tick, and tells lines that were said from silence.

All of it happens in the tick, which never waits. Whoever talks over it waits in `until` for what the ticks bring about.
"""

import asyncio
from collections.abc import Callable

from services.caller.domain.call_clock import SLICE_SECONDS
from services.caller.domain.media import FRAME_MS, SILENCE
from services.caller.domain.voice import manners
from services.caller.domain.voice.listening import Listening, Utterance
from services.caller.domain.voice.phone import Phone
from services.caller.domain.voice.speaking import Speaking


class Line:
    """Frames count from the answer, those that the clock left out too: places in the recording are times of the call.

    `on_heard`, `on_said` and `on_frame` are called in the tick, `on_said` with a line that is over or was stopped.
    """

    def __init__(
        self,
        phone: Phone,
        *,
        on_heard: Callable[[Utterance], None],
        on_said: Callable[[Speaking, int], None],
        on_frame: Callable[[], None] = lambda: None,
    ) -> None:
        self._leg = phone.leg
        self._media = phone.media
        self._clock = phone.clock
        self._record = phone.record
        self._on_heard = on_heard
        self._on_said = on_said
        self._on_frame = on_frame
        self._skipped = 0
        self._speaking: Speaking | None = None
        self._talks_over = False
        self._waiting: Callable[[], bool] = lambda: False
        self._woken = asyncio.Event()
        self._up = False
        self.listening = Listening(phone.voiced)
        self.fault: Exception | None = None
        self.now_ms = 0
        self.left_out_ms = 0  # of it, by the clock
        self.active_ms = 0  # when somebody was last heard to speak, here or there

    @property
    def speaking(self) -> bool:
        """Whether a line is being said."""
        return self._speaking is not None

    def pick_up(self) -> None:
        """Be there from the next tick on."""
        self._up = True
        self._skipped = self._media.skipped()
        self._media.add(self)

    def lay_down(self) -> None:
        """Be silent, at once. A line that is being said is stopped. Idempotent."""
        if self._up:
            self._up = False
            self._media.remove(self)
            self.stop()

    def say(self, text: str, sound: bytes, *, over_the_other: bool = False) -> None:
        """Begin to say a line. Without `over_the_other` the other side's talk stops it."""
        self._speaking = Speaking(text, sound, self.now_ms)
        self._talks_over = over_the_other

    def stop(self) -> None:
        """Stop in the middle of a line, if one is being said; what was not played yet is taken back."""
        if self._speaking is not None:
            self._leg.interrupt()
            self._said()

    async def until(self, ready: Callable[[], bool], within_ms: int | None = None) -> bool:
        """Wait until it is so; return whether it is, or else that the time is over.

        Raises what ended the line: LeaseLost, or what failed in the tick.
        """
        until_ms = None if within_ms is None else self.now_ms + within_ms

        def over() -> bool:
            return ready() or (until_ms is not None and self.now_ms >= until_ms)

        self._waiting = over
        try:
            while True:
                self._clock.check()
                if self.fault is not None:
                    raise self.fault
                if over():
                    return ready()
                self._woken.clear()
                try:
                    async with asyncio.timeout(SLICE_SECONDS):  # the lease is looked at, even if nothing ticks
                        await self._woken.wait()
                except TimeoutError:
                    continue
        finally:
            self._waiting = lambda: False

    def tick(self, late_ms: float) -> None:
        """Do a frame's work. What fails in it ends this line, and no other."""
        try:
            self._clock.check()
            self._catch_up()
            self._exchange()
            woken = self._waiting()
        except Exception as error:  # a lost lease among them
            self.fault, woken = error, True
            self.lay_down()
        if woken:
            self._woken.set()

    def _exchange(self) -> None:
        frame = SILENCE if self._speaking is None else self._speaking.frame()
        heard = self._leg.exchange(frame)
        self._record(frame, heard)
        began_ms = self.now_ms
        self._count()
        if (utterance := self.listening.hear(began_ms, heard)) is not None:
            self._on_heard(utterance)
        self._on_frame()
        if self.listening.talking:
            self.active_ms = self.now_ms
        else:
            self._talks_over = False
        if self._speaking is None:
            return
        self.active_ms = self.now_ms
        if self._speaking.over:
            self._said()
        elif not self._talks_over and self.listening.voiced_ms >= manners.BARGE_IN_MS:
            self.stop()

    def _said(self) -> None:
        if (said := self._speaking) is not None:
            self._speaking = None
            self._on_said(said, self.now_ms)

    def _catch_up(self) -> None:
        """Let the frames that the clock left out pass in silence."""
        skipped = self._media.skipped()
        for _ in range(skipped - self._skipped):
            self._record(SILENCE, SILENCE)
            self._count()
            self.left_out_ms += FRAME_MS
        self._skipped = skipped

    def _count(self) -> None:
        self.now_ms += FRAME_MS
        self._clock.count(FRAME_MS)
