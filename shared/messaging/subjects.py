"""Reads the headers of a dead letter: all that is left of it."""

from collections.abc import Sequence

from shared.events.fields import MAX_ID
from shared.messaging.messages import DeadLetter

MAX_DIGITS = 16


def concerns(letter: DeadLetter, *events: str) -> bool:
    """Say whether the record claimed to be one of these events, of whatever version."""
    return letter.type is not None and letter.type.rpartition(".v")[0].rpartition(".")[2] in events


def subject_id(letter: DeadLetter) -> int | None:
    """Return the id in `ce_subject`, None if there is none that could be one."""
    return _id(letter.subject)


def key_id(letter: DeadLetter) -> int | None:
    """Return the id that is the record's key, None if there is none that could be one."""
    return _id(letter.key)


def subject_ids(letters: Sequence[DeadLetter], *events: str) -> set[int]:
    """Return the ids of all letters that claimed to be one of these events."""
    return {number for letter in letters if concerns(letter, *events) and (number := subject_id(letter)) is not None}


def _id(text: str | None) -> int | None:
    text = text or ""
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and 1 <= int(text) <= MAX_ID:
        return int(text)
    return None
