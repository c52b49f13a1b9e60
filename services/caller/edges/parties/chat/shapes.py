"""The shapes of a request, from all that we would like to say down to what an endpoint takes."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.caller.domain.turn import Ending, Side, Turn

# Speech, with room to spare; newer models count their reasoning as well, under the newer name of the parameter.
MAX_ANSWER_TOKENS = {"max_tokens": 400, "max_completion_tokens": 4_000}
REMEMBERED_SECONDS = 3_600.0
MAX_REMEMBERED_ENDPOINTS = 10_000

TOOLS: dict[str, Ending] = {"end_call": "hang_up", "transfer_call": "transfer"}
OFFERED: dict[Side, tuple[str, ...]] = {"agent": ("end_call", "transfer_call"), "bot": ("end_call",)}
DESCRIBED = {
    "end_call": "Hang up, after saying goodbye.",
    "transfer_call": "Hand the caller over to a human colleague.",
}
RINGS = "(The phone rings and you answer it. Greet the caller.)"

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a request has. `limits`: names for the longest answer, the one to try first; none: no limit is sent."""

    tools: bool = True
    system: bool = True
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")

    def has(self) -> frozenset[str]:
        """Return the names of the parameters that a refusal may be about."""
        return frozenset((*self.limits[:1], *(["tools"] if self.tools else ()), *(["system"] if self.system else ())))

    def without(self, refused: frozenset[str]) -> "Shape":
        """Return the shape without what an endpoint refused."""
        return replace(
            self,
            tools=self.tools and "tools" not in refused,
            system=self.system and "system" not in refused,
            limits=tuple(name for name in self.limits if name not in refused),
        )


class KnownShapes:
    """What endpoints took the last time, so that each refuses once and not in every call."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], tuple[float, Shape]] = OrderedDict()

    def of(self, endpoint: tuple[object, ...]) -> Shape:
        """Return the shape to begin with."""
        until, shape = self._known.get(endpoint, (0.0, Shape()))
        return shape if time.monotonic() < until else Shape()

    def remember(self, endpoint: tuple[object, ...], shape: Shape) -> None:
        """Note a shape that was answered, for `REMEMBERED_SECONDS`: endpoints learn."""
        if shape == self.of(endpoint):
            return
        self._known[endpoint] = (time.monotonic() + REMEMBERED_SECONDS, shape)
        self._known.move_to_end(endpoint)
        while len(self._known) > MAX_REMEMBERED_ENDPOINTS:
            self._known.popitem(last=False)


def body_of(shape: Shape, side: Side, model: str, system_prompt: str, turns: Sequence[Turn]) -> dict[str, Any]:
    """Return a request."""
    body: dict[str, Any] = {"model": model, "messages": messages(shape, side, system_prompt, turns)}
    if shape.tools:
        body["tools"] = [_tool(name) for name in OFFERED[side]]
    for name in shape.limits[:1]:
        body[name] = MAX_ANSWER_TOKENS[name]
    return body


def messages(shape: Shape, side: Side, system_prompt: str, turns: Sequence[Turn]) -> list[Message]:
    """Return the call so far as one side sees it: itself as the assistant, and the first word somebody else's."""
    mine = "user" if side == "bot" else "assistant"
    spoken = [turn for turn in turns if turn.role in ("user", "assistant")]
    heard: list[Message] = []
    if not spoken or spoken[0].role == mine:  # who answers the phone speaks first
        heard.append({"role": "user", "content": RINGS})
    heard += [{"role": "assistant" if turn.role == mine else "user", "content": turn.content} for turn in spoken]
    if not system_prompt.strip():
        return heard
    if shape.system:
        return [{"role": "system", "content": system_prompt}, *heard]
    return [{"role": "user", "content": f"{system_prompt}\n\n{heard[0]['content']}"}, *heard[1:]]


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": DESCRIBED[name], "parameters": parameters}}
