"""Tool calls, in the protocol's own places: which tool, with which arguments, however a server spells them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.caller.domain.limits import MAX_TOOLS_OF_TURN
from services.caller.domain.turn import Ending, Side, ToolUse
from services.caller.edges.parties.chat.shapes import OFFERED, TOOLS

MAX_NAME_CHARS = 100
MAX_ARGUMENTS_CHARS = 1_000
ALIASES = {"endcall": "end_call", "hang_up": "end_call", "hangup": "end_call", "transfercall": "transfer_call"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. The name is one of ours, if it means one of ours."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def call_of(name: Any, arguments: Any = None) -> Call | None:
    """Return a call, None where there is no name. A prefix ("functions.end_call") and "()" mean nothing."""
    if not isinstance(name, str) or not name.strip():
        return None
    bare = re.split(r"[.:/]", name.strip().removesuffix("()").strip())[-1][:MAX_NAME_CHARS]
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|[ -]", "_", bare).lower()
    plain = ALIASES.get(plain, plain)
    return Call(plain if plain in TOOLS else bare, arguments_of(arguments))


def arguments_of(given: Any) -> Mapping[str, Any]:
    """Return arguments: an object, its text, or that text encoded once more; `{}` for anything else."""
    for _ in range(3):
        if isinstance(given, dict):
            return given
        if not isinstance(given, str) or len(given) > MAX_ARGUMENTS_CHARS:
            return {}
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    return {}


def calls_in(message: Mapping[str, Any]) -> tuple[Call, ...]:
    """Return the calls of a message: `tool_calls`, or `function_call` as it was before."""
    given = message.get("tool_calls")
    if not isinstance(given, list):
        given = [given] if isinstance(given, dict) else []
    given = [*given[:MAX_TOOLS_OF_TURN], {"function": message.get("function_call")}]
    found = []
    for one in given:
        function = one.get("function") if isinstance(one, dict) else None
        if isinstance(function, dict):
            found.append(call_of(function.get("name"), function.get("arguments")))
        elif isinstance(one, dict) and "name" in one:
            found.append(call_of(one["name"], one.get("arguments")))
    return tuple(call for call in found if call is not None)


def ending_of(calls: Sequence[Call], side: Side) -> Ending:
    """Return how a side ends the call: by the last tool that it was offered."""
    ending: Ending = "none"
    for call in calls:
        ending = TOOLS[call.name] if call.name in OFFERED[side] else ending
    return ending


def uses_of(calls: Sequence[Call], side: Side) -> tuple[ToolUse, ...]:
    """Return what the transcript says of calls: a tool that nobody offered is noted, and does nothing."""
    uses = []
    for call in calls[:MAX_TOOLS_OF_TURN]:
        arguments = json.dumps(call.arguments)
        used = {"name": call.name, "arguments": call.arguments if len(arguments) <= MAX_ARGUMENTS_CHARS else {}}
        response = {"name": call.name, "response": {"ok": call.name in OFFERED[side]}}
        uses.append(ToolUse(json.dumps(used), json.dumps(response)))
    return tuple(uses)
