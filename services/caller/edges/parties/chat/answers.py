"""Reads what came over HTTP: a completion's message, an error in any wrapping, or nothing that can be read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from services.caller.edges.endpoints.asking import Answer
from services.caller.edges.parties.chat.refusals import Refused, refused_by

MAX_RETRY_AFTER_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Completion:
    """A message as it came, and why the model stopped (in lower case)."""

    message: Mapping[str, Any]
    finish: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something else came; `page` says that it is a web page."""

    page: bool = False


def read_answer(answer: Answer) -> Completion | Refused | Unreadable:
    """Read an answer, whatever its content type says."""
    told = _parsed(answer)
    if isinstance(told, list) and told and isinstance(told[0], dict):
        told = told[0]  # Google's errors come as a list of one
    error = _error(told) if isinstance(told, dict) else None
    if not 200 <= answer.status < 300:
        return refused_by(answer.status, error or told or "", retry_after_seconds=_retry_after(answer.headers))
    if error is not None:
        return refused_by(_status_within(error), error, retry_after_seconds=_retry_after(answer.headers))
    if told is None:
        return Unreadable(page=answer.body.lstrip()[:1] == b"<")
    return _completion(told) or Unreadable()


def _parsed(answer: Answer) -> Any:
    """Return the JSON of an answer, of a stream of events as one, or the text of an error; None for what is none."""
    try:
        text = answer.body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None
    if text.startswith(("data:", "event:", ":", "id:", "retry:")):
        return _joined(_events(text))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if answer.status >= 300 and not text.startswith("<") else None


def _error(told: Mapping[str, Any]) -> Any:
    """Return the error in an answer, None for none; gateways write it in all these places."""
    if told.get("error"):
        return told["error"]
    choices = told.get("choices")
    if choices and isinstance(choices, list) and isinstance(choices[0], dict):
        return choices[0].get("error") or None
    if told.get("object") == "error" or ("choices" not in told and ("detail" in told or "message" in told)):
        return {"message": str(told.get("detail") or told.get("message") or ""), "code": told.get("code")}
    return None


def _status_within(error: Any) -> int:
    """Return the status that an error in a 200 names, 200 for none."""
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else 200


def _completion(told: Any) -> Completion | None:
    choices = told.get("choices") if isinstance(told, dict) else None
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict):
            finish = str(choice.get("finish_reason") or choice.get("native_finish_reason") or "").lower()
            message = choice.get("message") or choice.get("delta")
            if isinstance(message, dict):
                return Completion(message, finish)
            if isinstance(choice.get("text"), str):
                return Completion({"content": choice["text"]}, finish)
    return None


def _events(text: str) -> Iterable[dict[str, Any]]:
    """Yield the chunks of a stream of events that nobody asked for."""
    for line in text.splitlines():
        if line.startswith("data:"):
            try:
                chunk = json.loads(line[len("data:") :])
            except (ValueError, RecursionError):
                continue  # [DONE], or a comment
            if isinstance(chunk, dict):
                yield chunk


def _joined(chunks: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the one answer that a stream's chunks make, or the error within it."""
    words: dict[str, list[str]] = {"content": [], "refusal": []}
    calls: dict[Any, dict[str, Any]] = {}
    finish, seen = None, False
    for chunk in chunks:
        if chunk.get("error"):
            return chunk
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index", 0) not in (0, None):
                continue
            delta = choice.get("delta") or choice.get("message")
            finish = choice.get("finish_reason") or finish
            if not isinstance(delta, dict):
                continue
            seen = True
            for name, said in words.items():
                said += _texts(delta.get(name))
            _add_calls(calls, delta.get("tool_calls"))
    if not seen:
        return None
    message = {name: "".join(said) for name, said in words.items()} | {"tool_calls": list(calls.values())}
    return {"choices": [{"message": message, "finish_reason": finish}]}


def _texts(content: Any) -> list[str]:
    if isinstance(content, list):
        return [str(part["text"]) for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return [content] if isinstance(content, str) else []


def _add_calls(calls: dict[Any, dict[str, Any]], deltas: Any) -> None:
    for delta in deltas if isinstance(deltas, list) else ():
        function = delta.get("function") if isinstance(delta, dict) else None
        if isinstance(function, dict):
            whole = calls.setdefault(str(delta.get("index", len(calls))), {"function": {"name": "", "arguments": ""}})
            for name in ("name", "arguments"):
                if isinstance(function.get(name), str):
                    whole["function"][name] += function[name]


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Return how many seconds an endpoint asks us to wait: in seconds, milliseconds or as a date."""
    for name, per_second in (("retry-after-ms", 1_000), ("retry-after", 1)):
        try:
            seconds = float(headers[name]) / per_second
        except (KeyError, ValueError):
            continue
        return round(seconds + 0.499) if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS else None
    try:
        at = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError, TypeError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return round(seconds) if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS else None
