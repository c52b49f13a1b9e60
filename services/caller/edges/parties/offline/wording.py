"""Small matters of English that both offline minds need: cleaning, person, questions."""

import re

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

MAX_READ_CHARS = 4_000
MATCH_RATIO = 82
MAX_COMPARED_CHARS = 400  # comparing takes time by the product of the lengths

_FILLER = re.compile("the|an?|of|for|to|about|is|are|was|do|does|did|you|your|i|me|my|we|our|it|that|this|please")

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_PERSON = (
    (r"\byou are\b", "I am"),
    (r"\byou're\b", "I'm"),
    (r"\byou've\b", "I've"),
    (r"\byou'd\b", "I'd"),
    (r"\byou were\b", "I was"),
    (r"\byour\b", "my"),
    (r"\byours\b", "mine"),
    (r"\byourself\b", "myself"),
    (r"\byou\b", "I"),
)


def sentences(text: str) -> list[str]:
    """Split a text into sentences."""
    return [part.strip() for part in _SENTENCE_END.split(text[:MAX_READ_CHARS]) if part.strip()]


def in_first_person(text: str) -> str:
    """Turn what is told to somebody (`you bought …`) into what they would say (`I bought …`)."""
    for pattern, said in _PERSON:
        text = re.sub(pattern, said, text, flags=re.IGNORECASE)
    return text


def to_the_other(text: str) -> str:
    """Turn what somebody is to ask for (`tell you …`) into what they would say (`tell me …`)."""
    return in_first_person(
        re.sub(r"\b(tell|give|send|show|call|help|explain to) you\b", r"\1 me", text, flags=re.IGNORECASE)
    )


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    text = text.strip().rstrip(" ,;:")
    if not text:
        return ""
    if "@" in text.split(" ")[0]:
        return text  # an address stays as it is
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


def mentions(line: str, *words: str) -> bool:
    """Say whether any of the words or phrases stands in the line, as whole words."""
    return any(re.search(rf"\b{word}\b", line, re.IGNORECASE) for word in words)


def resembles(line: str, phrase: str) -> bool:
    """Say whether a phrase is about what the line says, allowing for other words around it."""
    line, phrase = _content(line), _content(phrase)
    return fuzz.partial_token_set_ratio(line, phrase) >= MATCH_RATIO and (
        fuzz.token_set_ratio(line, phrase) >= MATCH_RATIO or fuzz.partial_ratio(line, phrase) >= MATCH_RATIO
    )


def _content(text: str) -> str:
    """Return the words that carry the meaning, without punctuation; all of them if none does."""
    words = default_process(text[:MAX_COMPARED_CHARS]).split()
    return " ".join([word for word in words if not _FILLER.fullmatch(word)] or words)


def is_question(line: str) -> bool:
    """Say whether somebody waits for an answer."""
    return "?" in line
