"""What a message says and does: its words, its tools, and whether it ends the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.caller.domain.turn import Ending, Side, ToolUse
from services.caller.edges.parties.chat.calls import calls_in, ending_of, uses_of
from services.caller.edges.parties.chat.reasoning import without_reasoning, without_special_tokens
from services.caller.edges.parties.chat.written_calls import read_written

SPOKEN_PARTS = ("text", "output_text", "refusal")


class NoMessage(Exception):  # noqa: N818
    """The content of a message is of no kind that is known."""


@dataclass(frozen=True, slots=True)
class Said:
    """A turn, as it is spoken."""

    text: str
    ending: Ending
    tools: tuple[ToolUse, ...]


def read_message(message: Mapping[str, Any], side: Side) -> Said:
    """Read a message. Raises NoMessage."""
    text = without_reasoning(_content(message.get("content")))
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip() not in text:
        text = f"{text} {refusal.strip()}".strip()
    written = read_written(text)
    calls = (*calls_in(message), *written.calls)
    ending = ending_of(calls, side)
    return Said(
        without_special_tokens(written.text),
        ending if ending != "none" else ending_of(written.marked, side),
        uses_of(calls, side),
    )


def _content(content: Any) -> str:
    """Return the words of a content: a text, or parts of which some are words and others thoughts or pictures."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise NoMessage
    words = []
    for part in content:
        if part.get("type", "text") in SPOKEN_PARTS:
            said = part.get("text", part.get("refusal"))
            if isinstance(said, str):
                words.append(said)
    return "".join(words)
