"""How long a text takes to say, and how much of it is said when the time is up."""

import re
from collections.abc import Iterator

from services.caller.domain.limits import WORDS_PER_MINUTE

MS_PER_WORD = 60_000 / WORDS_PER_MINUTE
# Scripts that put no spaces between words are timed by their characters: about four syllables a second, as Mandarin
# and Japanese speakers talk on the phone.
MS_PER_CHAR = 250.0

_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    r"\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese kana and iteration marks
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
_PIECE = re.compile(f"([{_UNSPACED}])|([^{_UNSPACED}]+)")
_WORDLIKE = re.compile(r"\w")

Piece = tuple[str, float]


def spoken_ms(text: str) -> int:
    """Return how long a text takes to say, in ms."""
    return round(sum(ms for _, ms in _pieces(text)))


def spoken_within(text: str, ms: int) -> str:
    """Return as much of a text as is said in `ms`: whole words, whole characters where words have no spaces."""
    said, left = [], float(ms)
    for piece, takes in _pieces(text):
        left -= takes
        if left < 0:
            break
        said.append(piece)
    return "".join(said).strip()


def _pieces(text: str) -> Iterator[Piece]:
    """Yield what cannot be cut, each with the space before it and the ms that it takes."""
    for token in text.split():
        space = " "
        for char, run in _PIECE.findall(token):
            if char:
                yield space + char, MS_PER_CHAR
            else:
                # Punctuation between characters takes no time; a word does, and so does a mark that stands alone.
                yield space + run, MS_PER_WORD if run == token or _WORDLIKE.search(run) else 0.0
            space = ""
