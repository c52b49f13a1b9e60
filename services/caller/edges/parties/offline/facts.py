"""Facts in free text: the ones with a form of their own, and the sentences that are about something asked."""

import re
from collections.abc import Sequence
from typing import Literal

from rapidfuzz import fuzz

from services.caller.edges.parties.offline.words import content_words

Slot = Literal["order", "name", "email", "phone", "address", "date", "amount", "product"]
ABOUT_THE_SAME = 62  # of 100, on content words alone
MAX_FACT_CHARS = 80
MAX_READ_CHARS = 10_000

_NUMBER = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|twenty|thirty|a couple of|a few|a|an|\d{1,3}"
)
_DATE = (
    rf"(?:(?:{_NUMBER}) (?:day|week|month|year)s? ago|yesterday|last (?:week|month|year|night|(?:mon|tues|wednes|thurs|"
    r"fri|satur|sun)day)|(?:on )?(?:the )?(?:\d{1,2}(?:st|nd|rd|th)?(?: of)? )?(?:january|february|march|april|june|july|"
    r"august|september|october|november|december)(?: \d{1,2}(?:st|nd|rd|th)?)?|\d{4}-\d\d-\d\d)"
)
PATTERNS: dict[Slot, re.Pattern[str]] = {
    "order": re.compile(
        r"\b(?:order|reference|booking|case|ticket|tracking|confirmation|invoice|account|customer|reservation)"
        r"\s{0,3}(?:numbers?|no\.?|id|code|nr\.?|#)?\s{0,3}(?:is|was|:|=)?\s{0,3}#?"
        r"(?P<value>(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{2,24})",
        re.IGNORECASE,
    ),
    "name": re.compile(
        r"\b(?:(?:[Yy]our|[Mm]y|[Cc]ustomer|[Cc]aller|[Tt]he|[Tt]heir) name(?: is|:|'s)|[Nn]ame:|[Nn]amed|[Cc]alled|"
        r"[Yy]ou are|[Yy]ou're|I am|I'm)\s{1,3}(?P<value>[A-Z][\w'’-]{1,20}(?: [A-Z][\w'’-]{1,20}){0,2})"
    ),
    "email": re.compile(r"(?P<value>[\w.+-]{1,60}@[\w-]{1,60}(?:\.[\w-]{1,20}){1,3})"),
    "phone": re.compile(r"(?P<value>\+?\d[\d ()-]{7,18}\d)"),
    "address": re.compile(
        r"\b(?:address is|address:|live at|lives at|live in|lives in)\s{1,3}(?P<value>[^.;\n]{3,60})", re.IGNORECASE
    ),
    "date": re.compile(rf"\b(?P<value>{_DATE})\b", re.IGNORECASE),
    "amount": re.compile(
        r"(?P<value>[$€£]\s?\d[\d.,]{0,10}\d|[$€£]\s?\d|\b\d{1,7}(?:\.\d\d)? (?:dollars|euros|pounds|usd|eur))\b",
        re.IGNORECASE,
    ),
    "product": re.compile(
        r"\b(?:bought|ordered|purchased|buy|return|order of|order for)\s{1,3}"
        r"(?P<value>(?:a pair of |an? |the |some |your |my )?(?!number|about|it\b|and\b|from\b|to\b)"
        rf"[a-z][\w-]{{2,20}}(?: (?!{_DATE})(?!(?:and|that|which|but|from|for|with|in|on|at|last|two|three|about|online|"
        r"because|as|is|was|are|were|has|who|you|they|it|number)\b)[a-z][\w-]{1,20}){0,2})",
        re.IGNORECASE,
    ),
}


def typed_facts(text: str) -> dict[Slot, str]:
    """Return the facts of `text` that have a form of their own; the first of each kind."""
    found = ((slot, pattern.search(text[:MAX_READ_CHARS])) for slot, pattern in PATTERNS.items())
    return {slot: match["value"].strip(" ,.-")[:MAX_FACT_CHARS] for slot, match in found if match}


def best_match(question: str, candidates: Sequence[str]) -> int | None:
    """Return the index of the candidate that is about what `question` asks, or None."""
    asked = content_words(question)
    best, best_score = None, float(ABOUT_THE_SAME)
    for index, candidate in enumerate(candidates):
        offered = content_words(candidate)
        if not {word[:5] for word in asked} & {word[:5] for word in offered}:
            continue
        score = fuzz.token_set_ratio(" ".join(asked), " ".join(offered))
        if score > best_score:
            best, best_score = index, score
    return best
