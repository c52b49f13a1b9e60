"""What an endpoint refuses, by its words: OpenAI, Azure, vLLM, Ollama, llama.cpp, OpenRouter, LiteLLM … differ.

A request whose parameter was refused is the one that is sent again, without it: it was not worked on.
"""

import re
from dataclasses import dataclass
from typing import Any

from services.caller.edges.parties.chat.shapes import Shape

# Never about a parameter: the key, the bill, the rate.
NEVER_A_PARAMETER = frozenset({401, 402, 403, 407, 408, 429})
# These say by themselves that the request was not understood; without a word, tools are the likeliest reason.
BARE = frozenset({400, 422, 501})
BARE_CODES = frozenset({"", "none", "null", "400", "422", "501", "invalid_request_error", "bad_request", "badrequest"})
MAX_SAID_CHARS = 4_000

_NO = re.compile(
    r"not (?:\w+ ){0,3}(?:support|allow|permit|enabl|implement|available|accept|expect|recogni|valid)|n't support"
    r"|unsupported|unknown|unrecogni|unexpected|extra|forbidden|disabled|disallowed|requires?\b|no endpoints found"
    r"|must (?:not|alternate)|cannot|can't|invalid|only|too (?:large|high|big)"
)
# What says "we can't do that" even beside a status that could mean "we tried, and failed".
_NEVER = re.compile(
    r"not (?:\w+ ){0,3}(?:support|enabl|implement|accept|allow)|n't support|unsupported|unrecogni|no endpoints found"
    r"|requires? --|param requires|must alternate"
)
_NAMED = {
    "tools": re.compile(r"\btools?\b|\btool[_ -](?:choice|calls?|use|calling)\b|\bfunction[_ -]call"),
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "system": re.compile(
        r"\bsystem['\"`]? (?:role|message|prompt|instruction)|\brole\W+(?:\w+\W+){0,3}system\b|\bsupport\W+system\b"
        r"|developer instruction|roles must alternate|only user and assistant|messages\[0\]\.role|messages\.0\.role"
        r"|\['?messages'?, ?0, ?'?role"
    ),
}
_FUNCTIONS = re.compile(r"\bfunctions?\b")
_PARAMS = {"functions": "tools", "tool_choice": "tools", "messages[0].role": "system", "messages.0.role": "system"}
_MODEL = re.compile(
    r"model_not_found|no such model|unknown model|model.{0,120}(?:not found|does not exist|doesn't exist)"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that is an error. `said` is in lower case, for reading alone: it goes nowhere else."""

    status: int
    said: str = ""
    code: str = ""
    param: str = ""
    retry_after_seconds: int | None = None

    @property
    def by_filter(self) -> bool:
        """Whether a content filter refused the conversation."""
        return "content_filter" in self.code or "content_filter" in self.said or "responsibleaipolicy" in self.said

    @property
    def of_model(self) -> bool:
        """Whether the model is the one that is not known."""
        return self.status in (400, 404, 422) and (self.param == "model" or bool(_MODEL.search(self.said)))


def refused_by(status: int, error: Any, *, retry_after_seconds: int | None = None) -> Refused:
    """Read an error, however it is wrapped."""
    code, param = "", ""
    if isinstance(error, dict):
        code = str(error.get("code") or "")[:100].lower()
        param = str(error.get("param") or "")[:100].lower()
    said = str(error)[:MAX_SAID_CHARS].lower()
    return Refused(status, said, code, param, retry_after_seconds)


def refused_parameters(refused: Refused, shape: Shape) -> frozenset[str]:
    """Return which of a request's parameters were refused, by what the endpoint says; none for another reason."""
    if refused.status in NEVER_A_PARAMETER or refused.by_filter or refused.of_model:
        return frozenset()
    if not (_NO if refused.status in BARE else _NEVER).search(refused.said):
        return frozenset()
    has = shape.has()
    if refused.param and (param := _PARAMS.get(refused.param, refused.param)) in has:
        return frozenset({param})
    named = {name for name in has if _NAMED[name].search(refused.said)}
    if not named and "tools" in has and _FUNCTIONS.search(refused.said):
        named = {"tools"}
    return frozenset(named)


def may_be_tools(refused: Refused, shape: Shape) -> bool:
    """Say whether a refusal that names nothing is worth one try without tools: it was not worked on either way."""
    return (
        shape.tools
        and refused.status in BARE
        and not refused.param
        and refused.code in BARE_CODES
        and not refused.by_filter
        and not refused.of_model
    )
