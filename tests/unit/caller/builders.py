"""Parties that follow a script, calls between them, and the caller's values with all that does not matter filled in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.caller.domain.attempt import Claimed
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Call, Conversation
from services.caller.domain.limits import CallLimits
from services.caller.domain.turn import Party, PartyError, Reply, Role, Side, Turn
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection
from shared.events.requests import Target

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOT_NUMBER = "+15555550101"
AGENT_NUMBER = "+15555550100"
MS_PER_WORD = 1_000 / 3


class Script:
    """A party that gives its lines one after the other and stays with the last; an exception among them is raised."""

    def __init__(self, *lines: Reply | str | Exception) -> None:
        self._lines = [Reply(line) if isinstance(line, str) else line for line in lines]
        self.heard: list[tuple[Turn, ...]] = []

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        self.heard.append(tuple(turns))
        line = self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]
        if isinstance(line, Exception):
            raise line
        return line


async def no_sleep(seconds: float) -> None:
    """Let no time pass."""


def instant_clock() -> CallClock:
    """A call's clock that waits for nothing."""
    return CallClock(1.0, lambda: True, no_sleep)


async def a_call(
    *,
    bot: Party,
    agent: Party,
    first: Side = "agent",
    minutes: int = 1,
    limits: CallLimits | None = None,
    clock: CallClock | None = None,
) -> Conversation:
    """Place and hold a call in no time. A party that cannot go on cuts it."""
    call = Call(first, limits or CallLimits.for_held_minutes(minutes), clock or instant_clock())
    try:
        await call.place(bot=bot, agent=agent)
        return await call.hold()
    except PartyError as error:
        return call.cut(str(error))


def hangs_up(text: str = "Goodbye.") -> Reply:
    """A last line."""
    return Reply(text, "hang_up")


def said(held: Conversation, role: Role) -> list[str]:
    """What one side said, line by line."""
    return [turn.content for turn in held.turns if turn.role == role]


def a_turn(role: Role, start_ms: int, end_ms: int, content: str = "yes") -> Turn:
    """A row of a transcript."""
    return Turn(role, "text/plain", content, start_ms, end_ms)


def a_claim(run_id: int = 11) -> Claimed:
    """An attempt under a lease."""
    return Claimed(run_id, 2 * run_id + 1, UUID(int=run_id), None, 30.0)


def a_dispatch(run_id: int = 11, **fields: Any) -> TestCallDispatched:
    """A dispatch; `fields` are those that matter to the test."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "org_id": 1,
        "request_id": run_id,
        "batch_id": None,
        "prompt": "Ask for the opening hours.",
        "direction": "outbound",
        "mode": "bot",
        "held_minutes": 1,
        "start_before": NOW,
        "target": Target(
            target_type="agent",
            target_id=1,
            agent_id=1,
            agent_name="Ann",
            agent_number=AGENT_NUMBER,
            bot_number=BOT_NUMBER,
            product="default",
            voice="",
            connection=BuiltinConnection(),
        ),
    }
    return TestCallDispatched(**(values | fields))
