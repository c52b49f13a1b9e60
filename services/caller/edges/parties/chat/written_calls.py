"""Tool calls that a model wrote into its text: found, and taken out with all their markup.

A call that stands by itself is one; one that a sentence only mentions ("end with [END_CALL].") is not, and stays.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.caller.edges.parties.chat.calls import Call, call_of

MAX_READ_CHARS = 16_000
MAX_JSON_TRIED = 20

_TOOL = r"(?:end[ _-]?call|hang[ _-]?up|transfer[ _-]?call)"
_ARGUMENTS = r"(?:\(\s*(?:\{[^{}]{0,200}\})?[^(){}\n]{0,100}\))"
# What servers' templates put around calls; the first is the opening, the second the end (or the end of the text).
_WRAPS = (
    ("<tool_call>", "</tool_call>"),
    ("<tool_calls>", "</tool_calls>"),
    ("<function_call>", "</function_call>"),
    ("<function_calls>", "</function_calls>"),
    ("<toolcall>", "</toolcall>"),
    ("<tool_code>", "</tool_code>"),
    ("<tool_use>", "</tool_use>"),
    ("<|tool_call|>", "<|/tool_call|>"),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<|tool_call_begin|>", "<|tool_call_end|>"),
    ("<|tool_call_start|>", "<|tool_call_end|>"),
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ("<|python_tag|>", "<|eom_id|>"),
    ("[TOOL_CALLS]", "[/TOOL_CALLS]"),
    ("[TOOL_CALL]", "[/TOOL_CALL]"),
)
_WRAPPED = re.compile(
    "|".join(rf"{re.escape(begin)}(?:(?!{re.escape(end)}).)*(?:{re.escape(end)}|\Z)" for begin, end in _WRAPS)
    + r"|<function=[\w.]{1,100}>(?:(?!</function>).)*(?:</function>|\Z)"
    + r"|<invoke\s+name=[^<>]{1,100}>(?:(?!</invoke>).)*(?:</invoke>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FENCED = re.compile(
    r"```(?:(?P<kind>tool_\w{1,10}\s|json\b)|[\w+-]{0,20}[ \t]*\n)?(?P<inside>(?:(?!```).)*)(?:```|\Z)", re.DOTALL
)
_OURS = re.compile(rf"(?<![a-z]){_TOOL}(?![a-z])", re.IGNORECASE)
_NAMED = re.compile(
    r"""["']?(?:name|tool|tool_name|function|action)["']?\s*[:=]\s*["']?(?P<name>[\w.-]{1,100})|^\W*(?P<first>[\w.]{1,100})""",
    re.IGNORECASE,
)
# A marker: in brackets of any kind, as a tag with its end, as a function, or in capitals by itself.
_MARKER = re.compile(
    rf"<\s*(?P<tag>{_TOOL})\b[^<>]{{0,200}}>[^<>]{{0,300}}</\s*(?P=tag)\s*>"
    rf"|(?:\[\[|\{{\{{|<\||[\[<({{])\s*/?\s*(?P<marked>{_TOOL})\s*{_ARGUMENTS}?\s*/?\s*(?:\]\]|\}}\}}|\|>|[\]>)}}])"
    rf"|\b(?:[a-z_]{{1,20}}\.)?(?P<function>{_TOOL}){_ARGUMENTS}"
    r"|\b(?P<capitals>(?-i:END_CALL|TRANSFER_CALL|HANG_UP))\b",
    re.IGNORECASE,
)
_ONLY_A_NAME = re.compile(rf"\W*(?P<name>{_TOOL})\W*", re.IGNORECASE)
_MARKUP = " \t*_`~#>-"
_QUOTES = "\"'“”‘’«»„‹›"
_NOTHING = _MARKUP + "\n.!?…,;:。！？)]}" + _QUOTES
_MENTIONS = re.compile(
    r"\b(?:writ(?:e|es|ing|ten)|say(?:s|ing)?|typ(?:e|es|ing)|send(?:s|ing)?|us(?:e|es|ing)|outputs?|prints?|with"
    r"|marker|tag|token|command)\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Written:
    """What is left of a text, the calls in it that are more than a marker, and the tools that markers name."""

    text: str
    calls: tuple[Call, ...] = ()
    marked: tuple[Call, ...] = ()


def read_written(text: str) -> Written:
    """Take calls out of a text."""
    text = text[:MAX_READ_CHARS]
    if (only := _ONLY_A_NAME.fullmatch(text)) and (meant := call_of(only["name"])):
        return Written("", (), (meant,))
    calls: list[Call] = []

    def take_wrapped(found: re.Match[str]) -> str:
        calls.extend(_named_in(found[0]))
        return "\n"

    def take_fenced(found: re.Match[str]) -> str:
        sure = (found["kind"] or "").startswith("tool_")
        inside = list(_named_in(found["inside"])) if sure else _calls_of(found["inside"])
        calls.extend(inside)
        return "\n" if inside else found[0]

    text = _FENCED.sub(take_fenced, _WRAPPED.sub(take_wrapped, text))
    text = _without_json(text, calls)
    text, marked = _without_markers(text)
    return Written(text, tuple(calls), marked)


def _named_in(block: str) -> Iterator[Call]:
    """Yield the calls of a block that can be nothing else: by its JSON, or by the first name in it."""
    for _, _, call in _json_calls(block):
        yield call
        return
    found = _OURS.search(block) or _NAMED.search(block)
    if found and (named := call_of(next((name for name in found.groups() if name), found[0]))):
        yield named


def _calls_of(inside: str) -> list[Call]:
    """Return the calls that a fenced text consists of; none, if it is anything else."""
    inside = inside.strip()
    if only := _ONLY_A_NAME.fullmatch(inside):
        return [call for call in [call_of(only["name"])] if call]
    found = list(_json_calls(inside))
    return [call for _, _, call in found] if found and found[0][0] == 0 and found[-1][1] == len(inside) else []


def _without_json(text: str, calls: list[Call]) -> str:
    kept, since, words_end = [], 0, _words_end(text)
    for start, end, call in _json_calls(text):
        if start < since or _stands_alone(
            text, start, end, words_end=words_end
        ):  # several calls may be one piece of JSON
            kept.append(text[since:start])
            since = end
            calls.append(call)
    return "".join([*kept, text[since:]]).strip() if since else text


def _json_calls(text: str) -> Iterator[tuple[int, int, Call]]:
    """Yield where JSON that is a call begins and ends."""
    decoder, start = json.JSONDecoder(), 0
    for _ in range(MAX_JSON_TRIED):
        begins = [at for at in (text.find("{", start), text.find("[", start)) if at >= 0]
        if not begins:
            return
        start = min(begins)
        try:
            told, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        for call in _calls_told(told):
            yield start, end, call
        start = end


def _calls_told(told: Any) -> list[Call]:
    """Return the calls that a piece of JSON is: in the protocol's form, or in one of those that models make up."""
    if isinstance(told, list):
        every = [_calls_told(one) for one in told[:MAX_JSON_TRIED]]
        return [call for calls in every for call in calls] if all(every) else []
    if not isinstance(told, dict):
        return []
    if isinstance(told.get("tool_calls"), list):
        return _calls_told(told["tool_calls"])
    inner = told.get("function", told.get("function_call"))
    if isinstance(inner, dict):
        return _calls_told(inner)
    arguments = next((told[key] for key in ("arguments", "parameters", "args", "input") if key in told), None)
    for key in ("name", "tool", "tool_name", "function", "function_name", "action"):
        call = call_of(told.get(key), arguments)
        if call is not None and (arguments is not None or _ONLY_A_NAME.fullmatch(call.name)):
            return [call]
    if len(told) == 1:
        (key, value), *_ = told.items()
        if _ONLY_A_NAME.fullmatch(str(key)) and value not in (False, None):
            call = call_of(key, value)
            return [call] if call else []
    return []


def _without_markers(text: str) -> tuple[str, tuple[Call, ...]]:
    kept, marked, since, words_end = [], [], 0, _words_end(text)
    for found in _MARKER.finditer(text):
        bare = found["capitals"] is not None
        if not _stands_alone(text, found.start(), found.end(), words_end=words_end, bare=bare):
            continue
        name = next(value for value in found.groups() if value is not None)
        if call := call_of(name):
            marked.append(call)
            kept.append(text[since : found.start()])
            since = found.end()
    if not marked:
        return text, ()
    pieces = [piece.strip() for piece in (*kept, text[since:])]
    return _balanced(" ".join(piece for piece in pieces if piece.strip(_NOTHING))), tuple(marked)


def _balanced(text: str) -> str:
    """Return a text without the half of a pair of marks whose other half stood around what was taken out."""
    for mark in ("```", "**", "__", "`", "*", '"'):
        if text.count(mark) % 2:
            text = text.removesuffix(mark) if text.endswith(mark) else text.removeprefix(mark)
    return text.strip()


def _words_end(text: str) -> int:
    """Return where the last word ends: only markers, punctuation and markup follow."""
    end = len(text.rstrip(_NOTHING))
    for start, marker_end in reversed([found.span() for found in _MARKER.finditer(text)]):
        if marker_end < end:
            break
        end = len(text[: min(start, end)].rstrip(_NOTHING))
    return end


def _stands_alone(text: str, start: int, end: int, *, words_end: int, bare: bool = False) -> bool:
    """Say whether something in a text is meant, not mentioned: it is not quoted, and is a sentence of its own."""
    before, after = text[:start], text[end:]
    if before[-1:] in _QUOTES and after[:1] in _QUOTES and before[-1:] and after[:1]:
        return not before.strip(_QUOTES + _MARKUP + "\n") and not after.strip(_QUOTES + _MARKUP + "\n.")
    said = before.rstrip(_MARKUP)
    opens = not said or said[-1] in "\n.!?…。！？"
    ends = end >= words_end
    if bare:
        return opens and ends
    if ends:
        return opens or not _MENTIONS.search(said)
    follows = after.lstrip(_MARKUP + ".!")
    return opens and (follows[:1] == "\n" or not follows[:1].islower())
