"""Calls in text: two minds take turns, and the time that speech would take is simulated."""

from services.caller.domain import conversation
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import CallLimits
from services.caller.ports import Parties
from shared.events.admissions import TestCallDispatched


class TextCall:
    """One call in text. Who answers the phone speaks first."""

    def __init__(self, dispatch: TestCallDispatched, clock: CallClock, parties: Parties) -> None:
        self._dispatch = dispatch
        self._parties = parties
        limits = CallLimits.for_held_minutes(dispatch.held_minutes)
        self._call = conversation.Call("agent" if dispatch.direction == "outbound" else "bot", limits, clock)

    @property
    def contacted(self) -> bool:
        return self._call.contacted

    async def place(self) -> None:
        await self._call.place(bot=self._parties.bot(self._dispatch), agent=self._parties.agent(self._dispatch))

    async def hold(self) -> Conversation:
        return await self._call.hold()

    def cut(self, sentence: str) -> Conversation:
        return self._call.cut(sentence)

    async def close(self) -> None:
        """Nothing is held."""
