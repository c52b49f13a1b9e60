"""What all calls with sound of a process share, and what one end of a call is measured and recorded with."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import webrtcvad

from services.caller.domain.conversation import ROLES
from services.caller.domain.measures import Span
from services.caller.domain.media import SAMPLE_RATE_HZ, MediaClock, MediaLeg, Speech
from services.caller.domain.sound import Kept, OwnTime, SideOfCall
from services.caller.domain.turn import Side
from services.caller.domain.voice.end import VoiceEnd
from services.caller.domain.voice.listening import Voiced
from services.caller.edges.calls.faults import NoisyLeg
from services.caller.edges.calls.legs import Answered
from services.caller.edges.calls.recording import DISABLED, Keeps, OfLeg, Tape
from services.caller.edges.media.activity import VAD_MODE
from services.caller.edges.media.calibration import Offset
from services.caller.edges.media.measuring import Lateness, Measuring


@dataclass(frozen=True, slots=True)
class Studio:
    """`offset`: this worker's own, as far as it has measured itself. `voices`: of bot and agent."""

    media: MediaClock
    speech: Speech
    voices: dict[Side, str]
    offset: Callable[[], Offset]
    keeps: Keeps
    recording_thread: Executor

    def microphone(self, side: Side, answered: Answered, leg: MediaLeg, of: OfLeg | None) -> "Microphone":
        """Return what takes an end's ticks. `of` is None for a call that is not recorded."""
        place = self.keeps.place() if of is not None else None
        tape = Tape(of, self.keeps, place, self.recording_thread) if of is not None and place is not None else None
        return Microphone(side, answered, leg, self, tape)


class Microphone:
    """Takes each tick of one end: left is the test bot, right the agent, whichever end it is.

    Noise that was added on purpose is recorded, and not measured: it is no speech.
    """

    def __init__(self, side: Side, answered: Answered, leg: MediaLeg, studio: Studio, tape: Tape | None) -> None:
        self._side = side
        self._answered = answered
        self._noisy = leg if isinstance(leg, NoisyLeg) else None
        self._studio = studio
        self._tape = tape
        self._skipped = studio.media.skipped()
        self._longest_gap_ticks = 0
        self._measuring = Measuring("agent" if side == "bot" else "bot")

    def take(self, said: bytes, heard: bytes) -> None:
        """Take a tick."""
        skipped = self._studio.media.skipped()
        self._longest_gap_ticks = max(self._longest_gap_ticks, skipped - self._skipped)
        self._skipped = skipped
        bot, agent = (said, heard) if self._side == "bot" else (heard, said)
        self._measuring.add(bot, agent)
        if self._tape is not None:
            self._tape.add(bot if self._noisy is None else self._noisy.take_sent(bot), agent)

    async def side_of_call(self, end: VoiceEnd) -> SideOfCall:
        """Return what there is to tell of this end."""
        # What the clock leaves out is silence here, so that time stays true: a place is off by one gap at most.
        lateness = Lateness(self._answered.heard_late(), self._studio.offset(), self._longest_gap_ticks)
        bot_turns = [Span(turn.start_ms, turn.end_ms) for turn in end.turns if turn.role == ROLES["bot"]]
        own = OwnTime(sum(end.own.stt), sum(end.own.llm), sum(end.own.tts))
        recording: Kept = await self._tape.keep() if self._tape is not None else DISABLED
        return SideOfCall(self._measuring.measures(lateness, bot_turns), self._answered.leg.stats(), own, recording)


def voice_activity() -> Voiced:
    """Return a detector for one channel, of its own: it goes by what it has heard before."""
    detector = webrtcvad.Vad(VAD_MODE)
    return lambda frame: bool(detector.is_speech(frame, SAMPLE_RATE_HZ))
