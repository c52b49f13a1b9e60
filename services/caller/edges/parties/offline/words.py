"""Small operations on English text: sentences, content words, and "you" turned into "I"."""

import re
import zlib
from collections.abc import Sequence

MAX_SENTENCES = 120
# Words that carry no subject of their own.
_EMPTY_WORDS = frozenset(
    """a about again all also am an and any are as ask at be been but by can could did do does for from get give go had
    has have help how i if in is it its let like may me my need no not of on or our out please say she so some tell that
    the their them then there they this to up want was we were what when where which who why will with would yes you
    your yours""".split()
)
_BREAK = re.compile(r"(?<=[.!?;])(?=[\s\"'”)])\s*|[\n\r•]+|(?<=[。！？；])")  # noqa: RUF001 - Chinese full stops
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_YOU = re.compile(
    r"\b(?:(?P<before>\w+)\s+)?(?P<you>are you|you are|you're|you were|you've|yourself|yours|your|you)\b", re.IGNORECASE
)
_SIMPLE = {
    "are you": "am I",
    "you are": "I am",
    "you're": "I'm",
    "you were": "I was",
    "you've": "I've",
    "yourself": "myself",
    "yours": "mine",
    "your": "my",
}
# After these, "you" is whom something is done to.
_BEFORE_OBJECT = frozenset(
    """to for with of from at by about on against behind without gave give gives sent send sends told tell tells
    charged charge owe owes owed helped help helps let lets promised promise offered offer cost costs called call made
    make makes asked asks sold left keep keeps kept billed ignored cheated bothers bothered shipped""".split()
)


def folded(text: str) -> str:
    """Return `text` in lower case, with straight quotes and single spaces."""
    return " ".join(text.lower().replace("’", "'").replace("“", '"').replace("”", '"').split())


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, their closing marks kept; at most MAX_SENTENCES."""
    parts = (part.strip(" \t-*•–—") for part in _BREAK.split(text))  # noqa: RUF001
    return [part for part in parts if _WORD.search(part)][:MAX_SENTENCES]


def words(text: str) -> list[str]:
    """Return the words of `text`, folded."""
    return _WORD.findall(folded(text))


def content_words(text: str) -> list[str]:
    """Return the words of `text` that carry its subject."""
    return [word for word in words(text) if word not in _EMPTY_WORDS]


def first_words(text: str, count: int) -> str:
    """Return the first `count` words of `text`, whole."""
    split = text.split()
    return text if len(split) <= count else " ".join(split[:count]).rstrip(",;:-")


def in_first_person(text: str) -> str:
    """Turn what a prompt says to "you" into what "I" say: `your order` → `my order`."""
    return _YOU.sub(_as_me, text)


def as_sentence(text: str, end: str = ".") -> str:
    """Return `text` with a capital at its start and a mark at its end."""
    text = text.strip().rstrip(".,;:!").strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith("?") else end)


def pick(options: Sequence[str], *, seed: str) -> str:
    """Choose one of `options`, always the same for the same seed."""
    return options[zlib.crc32(seed.encode("utf-8", "replace")) % len(options)]


def base_form(verb: str) -> str:
    """Return a verb of the third person in the first: `wants` → `want`."""
    irregular = {"is": "am", "are": "am", "has": "have", "does": "do", "was": "was", "were": "was"}
    if verb in irregular:
        return irregular[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if re.search(r"(?:s|x|ch|sh|o)es$", verb):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb


def _as_me(match: re.Match[str]) -> str:
    before, you = match["before"], match["you"].lower()
    if you == "you":
        me = "me" if before and before.lower() in _BEFORE_OBJECT else "I"
    else:
        me = _SIMPLE[you]
    return f"{before} {me}" if before else me
