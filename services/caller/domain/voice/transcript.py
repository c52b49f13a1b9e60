"""What both sides of a spoken call said, in the order in which they began, within the limits of a transcript."""

from bisect import insort
from typing import Literal

from services.caller.domain.farewell import is_farewell
from services.caller.domain.limits import FAREWELLS_THAT_END_A_CALL, MAX_TRANSCRIPT_BYTES, MAX_TURN_CHARS, MAX_TURNS
from services.caller.domain.turn import Role, ToolUse, Turn

SPOKEN: tuple[Role, ...] = ("user", "assistant")


class Transcript:
    """Turns by their beginnings. What has no room any more is left out, and `full` says so."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._bytes = 0
        self.full = False

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said."""
        return tuple(self._turns)

    def add(self, role: Role, content: str, start_ms: int, end_ms: int) -> None:
        """Put a turn where it belongs."""
        content = " ".join(content[:MAX_TURN_CHARS].split()) if role in SPOKEN else content[:MAX_TURN_CHARS]
        size = len(content.encode("utf-8", "replace"))
        if self.full or self._bytes + size > MAX_TRANSCRIPT_BYTES:
            self.full = True
            return
        kind: Literal["text/plain", "application/json"] = "text/plain" if role in SPOKEN else "application/json"
        insort(self._turns, Turn(role, kind, content, start_ms, end_ms), key=lambda turn: turn.start_ms)
        self._bytes += size
        self.full = len(self._turns) >= MAX_TURNS

    def add_tool(self, tool: ToolUse, at_ms: int) -> None:
        """Put a tool that was used where it belongs."""
        self.add("tool_call", tool.call, at_ms, at_ms)
        self.add("tool_response", tool.response, at_ms, at_ms)

    def took_leave(self) -> bool:
        """Say whether both have taken leave of each other often enough, and neither hangs up."""
        spoken = [turn.content for turn in self._turns if turn.role in SPOKEN][-FAREWELLS_THAT_END_A_CALL:]
        return len(spoken) == FAREWELLS_THAT_END_A_CALL and all(is_farewell(line) for line in spoken)
