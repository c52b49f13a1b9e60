"""A party behind an OpenAI-compatible chat endpoint: the agent under test, or the test bot's own mind.

A party hangs up by the tool `end_call` (an agent may also `transfer_call`); for endpoints without tools the marker
`[END_CALL]` or `[TRANSFER_CALL]` at the end of a text does the same.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI, OpenAIError

from services.caller.domain.limits import MAX_TOOLS_OF_TURN, MAX_TURN_CHARS, REPLY_LIMIT_SECONDS
from services.caller.domain.turn import Ending, PartyError, Reply, Side, ToolUse, Turn

MAX_ANSWER_TOKENS = 400
MAX_RETRIES = 1
MARKERS: dict[str, Ending] = {"[END_CALL]": "hang_up", "[TRANSFER_CALL]": "transfer"}
TOOLS: dict[str, Ending] = {"end_call": "hang_up", "transfer_call": "transfer"}
RINGS = "(The phone rings and you answer it. Greet the caller.)"
PICKED_UP = "(Your call was answered.)"

BOT_PROMPT = """You are a test caller on the phone with a company's voice agent. Play the role below and never leave it.
Speak as people do on the phone: one or two short sentences at a time, no lists, no stage directions.
Use only facts from the role; if asked for something that is not in it, say that you do not know.
When you have what you wanted, or see that you will not get it, say goodbye and call the tool end_call
(or end your text with [END_CALL]).

The role:
"""


class OpenAIParty:
    """One side of one call."""

    def __init__(
        self, side: Side, *, base_url: str, model: str, api_key: str, system_prompt: str, http: httpx2.AsyncClient
    ) -> None:
        self._side = side
        self._model = model
        self._system_prompt = system_prompt
        try:
            self._client = AsyncOpenAI(
                base_url=base_url,
                api_key=api_key or "none",
                timeout=REPLY_LIMIT_SECONDS,
                max_retries=MAX_RETRIES,
                http_client=http,
            )
        except (httpx2.InvalidURL, ValueError):
            raise PartyError(f"The {_whose(side)}'s endpoint has an address that cannot be read") from None
        self._with_tools = True

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Ask the endpoint. The time it took is real time of the call. Raises PartyError, never with contents."""
        began = time.monotonic()
        message = await self._complete(turns)
        tools, ending = _read_tools(message)
        text, marked = _read_text(message)
        think_ms = round((time.monotonic() - began) * 1_000)
        return Reply(text, ending if ending != "none" else marked, tools, think_ms, waited=True)

    async def _complete(self, turns: Sequence[Turn]) -> Any:
        whose = _whose(self._side)
        options: dict[str, Any] = {"tools": _tools(self._side)} if self._with_tools else {}
        try:
            answer = await self._client.chat.completions.create(
                model=self._model,
                messages=self._messages(turns),  # type: ignore[arg-type]
                max_tokens=MAX_ANSWER_TOKENS,
                **options,
            )
            return answer.choices[0].message
        except APITimeoutError:
            raise PartyError(f"The {whose}'s endpoint did not answer in time") from None
        except APIStatusError as error:
            if self._with_tools and error.status_code in (400, 422):
                self._with_tools = False  # an endpoint without tools: the markers serve
                return await self._complete(turns)
            raise PartyError(f"The {whose}'s endpoint answered {error.status_code}") from None
        except APIConnectionError:
            raise PartyError(f"The {whose}'s endpoint could not be reached") from None
        except (OpenAIError, httpx2.HTTPError, ValueError, AttributeError, IndexError, TypeError, KeyError):
            raise PartyError(f"The {whose}'s endpoint gave an answer that could not be read") from None

    def _messages(self, turns: Sequence[Turn]) -> list[dict[str, str]]:
        mine = "user" if self._side == "bot" else "assistant"
        messages = [{"role": "system", "content": self._system_prompt}]
        spoken = [turn for turn in turns if turn.role in ("user", "assistant")]
        if not spoken or spoken[0].role == mine:
            messages.append({"role": "user", "content": RINGS if not spoken else PICKED_UP})
        messages += [{"role": "assistant" if turn.role == mine else "user", "content": turn.content} for turn in spoken]
        return messages


def _whose(side: Side) -> str:
    return "agent" if side == "agent" else "test bot"


def _tools(side: Side) -> list[dict[str, Any]]:
    names = ("end_call",) if side == "bot" else ("end_call", "transfer_call")
    said = {"end_call": "Hang up, after saying goodbye.", "transfer_call": "Hand the caller over to a human colleague."}
    return [
        {
            "type": "function",
            "function": {"name": name, "description": said[name], "parameters": {"type": "object", "properties": {}}},
        }
        for name in names
    ]


def _read_tools(message: Any) -> tuple[tuple[ToolUse, ...], Ending]:
    ending: Ending = "none"
    uses = []
    calls = getattr(message, "tool_calls", None)
    for call in calls[:MAX_TOOLS_OF_TURN] if isinstance(calls, list) else ():
        name = str(getattr(getattr(call, "function", None), "name", ""))[:100]
        known = TOOLS.get(name, "none")
        ending = known if known != "none" else ending
        used = json.dumps({"name": name, "arguments": {}})
        uses.append(ToolUse(used, json.dumps({"name": name, "response": {"ok": known != "none"}})))
    return tuple(uses), ending


def _read_text(message: Any) -> tuple[str, Ending]:
    text = getattr(message, "content", None) or ""
    if not isinstance(text, str):
        raise PartyError("The endpoint gave an answer that could not be read")
    text = text[:MAX_TURN_CHARS]
    for marker, ending in MARKERS.items():
        if marker in text:
            return text.replace(marker, "").strip(), ending
    return text, "none"
