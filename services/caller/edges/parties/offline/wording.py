"""Small matters of English that both offline minds need: cleaning, person, questions."""

import re

from rapidfuzz import fuzz

MAX_READ_CHARS = 4_000
MATCH_RATIO = 82

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


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    text = text.strip().rstrip(" ,;:")
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


def mentions(line: str, *words: str) -> bool:
    """Say whether any of the words or phrases stands in the line, as whole words."""
    return any(re.search(rf"\b{word}\b", line, re.IGNORECASE) for word in words)


def resembles(line: str, phrase: str) -> bool:
    """Say whether a phrase is about what the line says, allowing for other words around it."""
    return fuzz.partial_token_set_ratio(line.lower(), phrase.lower()) >= MATCH_RATIO and (
        fuzz.token_set_ratio(line.lower(), phrase.lower()) >= MATCH_RATIO
        or fuzz.partial_ratio(line.lower(), phrase.lower()) >= MATCH_RATIO
    )


def is_question(line: str) -> bool:
    """Say whether somebody waits for an answer."""
    return "?" in line
