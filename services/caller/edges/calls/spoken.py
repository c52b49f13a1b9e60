"""Calls with sound: reached on their way, talked by one VoiceEnd, or by two where the agent is hosted here."""

import asyncio
from collections.abc import Mapping

from services.caller.domain.attempt import NO_SIP, NO_SOUND, Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import CallLimits
from services.caller.domain.media import MediaLeg
from services.caller.domain.sound import SecondLeg, Sound
from services.caller.domain.turn import Party, PartyError, Side
from services.caller.domain.voice.end import VoiceEnd
from services.caller.domain.voice.phone import Phone
from services.caller.edges.calls.expecting import expected_lines
from services.caller.edges.calls.faults import NoisyLeg, background_of, conduct_of
from services.caller.edges.calls.legs import Answered, watched
from services.caller.edges.calls.recording import OfLeg, Renders
from services.caller.edges.calls.studio import Microphone, Studio, voice_activity
from services.caller.edges.calls.text import TextCall
from services.caller.edges.calls.ways import Reached, Way
from services.caller.edges.calls.weighing import has_sound
from services.caller.ports import Call, Parties
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection
from shared.telemetry import logs, names, tracing

OTHER_END_SECONDS = 5.0  # the agent's own end may take to notice that the call is over

log = logs.logger(__name__)


class SpokenCall:
    """One call with sound. Real time alone: no setting makes speech faster that somebody else hears."""

    def __init__(
        self,
        claimed: Claimed,
        dispatch: TestCallDispatched,
        clock: CallClock,
        traceparent: str | None,
        *,
        parties: Parties,
        way: Way | None,
        studio: Studio | None,
    ) -> None:
        self._claimed = claimed
        self._dispatch = dispatch
        self._clock = clock
        self._traceparent = traceparent
        self._parties = parties
        self._way = way
        self._studio = studio
        self._reached: Reached | None = None
        self._ends: dict[Side, tuple[VoiceEnd, Microphone]] = {}
        self._hosted: asyncio.Task[Conversation] | None = None
        self._expected: tuple[str, ...] = ()
        self.contacted = False

    def _contact(self) -> None:
        self._clock.check()
        self.contacted = True

    async def place(self) -> None:
        """Reach the agent. What can be known before anybody hears of it fails before."""
        if self._way is None or self._studio is None:
            raise PartyError(NO_SIP if self._dispatch.mode == "sip" else NO_SOUND)
        dispatch = self._dispatch
        minds: dict[Side, Party] = {"bot": self._parties.bot(dispatch)}
        if isinstance(dispatch.target.connection, BuiltinConnection):
            minds["agent"] = self._parties.agent(dispatch)
        self._expected = await expected_lines(
            dispatch.prompt, dispatch.target.agent_name, bot_answers=dispatch.direction == "inbound"
        )
        self._reached = await self._reach(self._way)
        self._ends["bot"] = self._end("bot", minds["bot"], self._reached.bot, self._studio, self._clock)
        if self._reached.agent is not None:
            twin = self._clock.twin()
            self._ends["agent"] = self._end("agent", minds["agent"], self._reached.agent, self._studio, twin)

    async def _reach(self, way: Way) -> Reached:
        ids: dict[str, str | int] = {
            names.ATTRIBUTE_RUN_ID: self._claimed.run_id,
            names.ATTRIBUTE_CALL_ID: self._claimed.call_id,
        }
        span = tracing.start(names.SPAN_REACH, tracing.SpanKind.CLIENT, self._traceparent, ids)
        try:
            reached = await watched(way.reach(self._dispatch, self._claimed.call_id, self._contact), self._clock)
        except BaseException as error:
            if span is not None:
                span.end(error)
            raise
        if span is not None:
            span.end()
        return reached

    def _end(
        self, side: Side, mind: Party, answered: Answered, studio: Studio, clock: CallClock
    ) -> tuple[VoiceEnd, Microphone]:
        dispatch = self._dispatch
        first: Side = "agent" if dispatch.direction == "outbound" else "bot"  # who answers the phone speaks first
        background = background_of(dispatch.conditions) if side == "bot" else None
        leg: MediaLeg = answered.leg if background is None else NoisyLeg(answered.leg, background)
        microphone = studio.microphone(side, answered, leg, self._leg_of(side) if dispatch.recording else None)
        phone = Phone(
            leg,
            studio.media,
            clock,
            CallLimits.for_held_minutes(dispatch.held_minutes),
            voice_activity(),
            answered.hang_up,
            microphone.take,
        )
        end = VoiceEnd(
            side,
            mind,
            phone,
            speech=studio.speech,
            voice=studio.voices[side],
            first=side == first,
            expected=self._expected,
            conduct=conduct_of(dispatch.conditions) if side == "bot" else None,
        )
        return end, microphone

    def _leg_of(self, side: Side) -> OfLeg:
        second = side == "agent"
        log_id = self._claimed.call_id if not second else self._reached.call_id if self._reached is not None else None
        return OfLeg(
            self._claimed.run_id, self._dispatch.org_id, self._claimed.call_id, log_id, second, self._traceparent
        )

    async def hold(self) -> Conversation:
        """Talk. Where the agent is hosted here, its end talks beside the bot's, and knows better why it ended."""
        if "agent" in self._ends:
            self._hosted = asyncio.create_task(self._ends["agent"][0].talk(), name="hosted agent")
        try:
            held = await self._ends["bot"][0].talk()
        except asyncio.CancelledError:
            if self._hosted is not None:
                self._hosted.cancel()
            raise
        other = await self._hosted_end()
        if held.end_reason == "agent_end" and other is not None and other.end_reason == "transfer":
            return Conversation(held.turns, "transfer", held.duration_ms)
        return held

    def cut(self, sentence: str) -> Conversation:
        """Return what the bot said and heard until now."""
        return self._ends["bot"][0].cut(sentence) if "bot" in self._ends else Conversation((), "error", 0, sentence)

    async def close(self) -> Sound | None:
        """Hang up what is up, and tell what is known of the sound."""
        if self._reached is None:
            return None
        try:
            other = await self._hosted_end()
            for answered in (self._reached.bot, self._reached.agent):
                if answered is not None:
                    await answered.hang_up()
            return await self._told(self._reached, other)
        except Exception as error:  # the end of the call is worth more than its figures
            log.exception("a call's figures are lost", extra={"error": logs.error_name(error)})
            return None

    async def _told(self, reached: Reached, other: Conversation | None) -> Sound:
        sides = {side: await microphone.side_of_call(end) for side, (end, microphone) in self._ends.items()}
        second = None
        if reached.agent is not None:
            second = SecondLeg(reached.agent.sip_call_id, reached.call_id, other, sides.get("agent"))
        placed = reached.agent if self._dispatch.direction == "inbound" and reached.agent is not None else reached.bot
        return Sound(placed.set_up_ms, placed.ring_ms, self._dispatch.mode == "sip", sides.get("bot"), second)

    async def _hosted_end(self) -> Conversation | None:
        """Return how the call ended for the agent's own end; one that does not notice is cut."""
        if self._hosted is None:
            return None
        await asyncio.wait({self._hosted}, timeout=OTHER_END_SECONDS)
        if not self._hosted.done():
            self._hosted.cancel()
            await asyncio.gather(self._hosted, return_exceptions=True)
        if self._hosted.cancelled() or self._hosted.exception() is not None:
            return self._ends["agent"][0].cut("The call was cut")
        return self._hosted.result()


class ChosenCalls:
    """Text where the agent is called by text, sound where it is called by anything else. `ways`: by mode."""

    def __init__(
        self, parties: Parties, studio: Studio | None, ways: Mapping[str, Way], renders: Renders | None = None
    ) -> None:
        self._parties = parties
        self._studio = studio
        self._ways = ways
        self._renders = renders

    def call(self, claimed: Claimed, dispatch: TestCallDispatched, clock: CallClock, traceparent: str | None) -> Call:
        """Return the call."""
        if not has_sound(dispatch):
            return TextCall(claimed, dispatch, clock, traceparent, parties=self._parties, renders=self._renders)
        return SpokenCall(
            claimed,
            dispatch,
            clock,
            traceparent,
            parties=self._parties,
            way=self._ways.get(dispatch.mode),
            studio=self._studio,
        )
