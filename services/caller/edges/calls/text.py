"""Calls in text: two minds take turns, and the time that speech would take is simulated."""

from datetime import UTC, datetime

from services.caller.domain import conversation
from services.caller.domain.attempt import Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import CallLimits
from services.caller.domain.sound import Kept
from services.caller.edges.calls.recording import FAILED, OfLeg, Renders
from services.caller.ports import Parties
from shared.events.admissions import TestCallDispatched
from shared.telemetry import logs

log = logs.logger(__name__)


class TextCall:
    """One call in text. Who answers the phone speaks first."""

    def __init__(
        self,
        claimed: Claimed,
        dispatch: TestCallDispatched,
        clock: CallClock,
        traceparent: str | None,
        *,
        parties: Parties,
        renders: Renders | None,
    ) -> None:
        self._dispatch = dispatch
        self._parties = parties
        self._renders = renders if dispatch.recording else None
        self._of = OfLeg(dispatch.run_id, dispatch.org_id, claimed.call_id, claimed.call_id, False, traceparent)
        limits = CallLimits.for_held_minutes(dispatch.held_minutes)
        self._call = conversation.Call("agent" if dispatch.direction == "outbound" else "bot", limits, clock)
        self._answered_at: datetime | None = None

    @property
    def contacted(self) -> bool:
        return self._call.contacted

    async def place(self) -> None:
        await self._call.place(bot=self._parties.bot(self._dispatch), agent=self._parties.agent(self._dispatch))
        self._answered_at = datetime.now(UTC)

    async def hold(self) -> Conversation:
        return await self._call.hold()

    def cut(self, sentence: str) -> Conversation:
        return self._call.cut(sentence)

    async def close(self) -> Kept | None:
        """Have the recording made of what was said, if one was asked for. Nothing else is held."""
        if self._renders is None or self._answered_at is None:
            return None
        try:
            return await self._renders.keep(self._of, self._call.cut(""), self._answered_at)
        except Exception as error:  # the end of the call is worth more than its recording
            log.warning("a recording is lost", extra={"run_id": self._of.run_id, "error": logs.error_name(error)})
            return FAILED
