"""What is said and done in a call. Milliseconds count from the call's start, in the call's own time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["user", "assistant", "tool_call", "tool_response"]
Side = Literal["bot", "agent"]
# hang_up: the party ends the call with this turn; transfer: it hands the call to somebody else.
Ending = Literal["none", "hang_up", "transfer"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the transcript. `user` is the test bot, `assistant` the agent under test."""

    role: Role
    content_type: Literal["text/plain", "application/json"]
    content: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that a party used before it spoke: JSON of the call and of what came back."""

    call: str
    response: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A party's turn. `think_ms` is how long it took; `waited` says whether that time has really passed already."""

    text: str
    ending: Ending = "none"
    tools: tuple[ToolUse, ...] = ()
    think_ms: int = 0
    waited: bool = False


class PartyError(Exception):
    """A party cannot go on. The sentence goes to the customer: no prompt, no transcript, no secret in it."""


class Party(Protocol):
    """One side of a call."""

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Answer what was said so far. Raises PartyError."""
