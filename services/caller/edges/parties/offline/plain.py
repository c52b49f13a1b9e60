"""Turns a prompt that is written as JSON or Markdown into the plain sentences that the offline bot can read."""

import json
import re
from typing import Any

MAX_DEPTH = 5
MAX_ITEMS = 100

_FENCE = re.compile(r"^\s{0,3}(?:```|~~~)[\w-]{0,20}\s*$", re.MULTILINE)
_LINE_MARKS = re.compile(r"^[ \t]{0,8}(?:#{1,6}[ \t]+|>[ \t]?|[-*+•][ \t]+|\d{1,3}[.)][ \t]+)+")
_RULE = re.compile(r"^[\s|:=*_-]*$")
_LINK = re.compile(r"!?\[([^\]\n]{1,200})\]\([^()\s]{0,500}\)")
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`{1,2}|(?<!\w)_{1,3})(?=\S)([^*`~\n]{1,500}?)(?<=\S)\1(?!\w)")
_LABEL = re.compile(r"^([A-Za-z][A-Za-z _-]{1,30}):[ \t]+(\S.*)$")
_INTRODUCES = re.compile(r"^(?:you(?:'re| are)?|your goal is to|ask|if)\b", re.IGNORECASE)

# How a labelled value is told to the caller. What is not listed is `The <label> is <value>.`
_PLAYS = ("role", "persona", "character", "caller", "who")
_WANTS = ("goal", "objective", "task", "intent", "wants", "aim")
_FEELS = ("mood", "tone", "emotion", "temper", "attitude")
_AS_IT_IS = (
    "scenario", "prompt", "instructions", "instruction", "situation", "context", "background", "story", "description",
    "problem", "issue", "details", "notes", "message", "text", "content", "system", "opening", "facts", "rules", "steps",
)  # fmt: skip
_NAMES = ("name", "full name", "customer name", "caller name")
_ORDERS = ("order", "order number", "order id", "order no", "reference")
_LABELS = frozenset((*_PLAYS, *_WANTS, *_FEELS, *_AS_IT_IS, *_NAMES, *_ORDERS))


def plain_text(prompt: str) -> str:
    """Return the prompt without marks. A text that has none comes back as it was."""
    unfenced = _FENCE.sub("", prompt).strip()
    if unfenced[:1] in ("{", "["):
        try:
            return " ".join(_told("", json.loads(unfenced), MAX_DEPTH)) or prompt
        except (ValueError, RecursionError):
            pass  # it only begins like JSON
    return "\n".join(_without_marks(line) for line in _FENCE.sub("", prompt).split("\n"))


def _without_marks(line: str) -> str:
    marked = _LINE_MARKS.match(line)
    bare = line[marked.end() :] if marked else line
    if not bare.strip() or _RULE.match(bare):
        return ""
    bare = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", bare)))
    bare = " ".join(cell.strip() for cell in bare.strip().strip("|").split("|")) if bare.count("|") > 1 else bare
    if (label := _LABEL.match(bare.strip())) and _known(label[1]) in _LABELS:
        return _labelled(label[1], label[2])
    if marked and "#" in marked[0] and not _INTRODUCES.match(bare):
        return ""  # a heading names what follows
    return bare


def _told(label: str, value: Any, depth: int) -> list[str]:
    """Return sentences for a JSON value."""
    if depth == 0:
        return []
    match value:
        case dict():
            if "asked" in label.lower():
                return [f"If asked {about}, say {said}." for about, said in list(value.items())[:MAX_ITEMS]]
            return [one for key, inner in list(value.items())[:MAX_ITEMS] for one in _told(str(key), inner, depth - 1)]
        case list():
            return [one for inner in value[:MAX_ITEMS] for one in _told(label, inner, depth - 1)]
        case None | bool():
            return []
    return [_labelled(label, str(value))]


def _known(label: str) -> str:
    return re.sub(r"[_-]+", " ", label).strip().lower()


def _labelled(label: str, value: str) -> str:
    """Tell a labelled value to the caller."""
    known = _known(label)
    value = value.strip()
    value = value if value[-1:] in (".", "!", "?") else f"{value}."
    if _INTRODUCES.match(value) or known in _AS_IT_IS or not known:
        return value
    if known in _PLAYS:
        article = "" if re.match(r"(?:an?|the) |[A-Z]", value) else "an " if value[:1] in "aeiou" else "a "
        return f"You are {article}{value}"
    if known in _WANTS:
        return f"You want {value[:1].lower() + value[1:]}" if re.match(r"(?:to|an?|the|your) ", value, re.I) else value
    if known in _FEELS:
        return f"You are {value[:1].lower() + value[1:]}"
    if known in _NAMES:
        return f"Your name is {value}"
    if known in _ORDERS:
        return f"Your order number is {value}"
    return f"Your {known} is {value}"
