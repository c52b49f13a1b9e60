"""The end of a log, for error messages: what went wrong stands there, and nobody should have to look for it."""

from pathlib import Path

TAIL_CHARS = 2_000


def end_of(log: Path) -> str:
    """Return the end of a log as a sentence for an error message."""
    try:
        text = log.read_text(errors="replace")[-TAIL_CHARS:].strip()
    except OSError:
        return f"It has written no log ({log})."
    return f"The end of its log ({log}):\n{text}" if text else f"Its log ({log}) is empty."
