"""From what is written to the words that are said, and back: numbers, times, money, letters, names.

How a number is said depends on who says it: a line has a variant for each of the usual ways.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

Words = tuple[str, ...]

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
DIGITS = {word: str(value) for value, word in enumerate(ONES[:10])} | {"oh": "0"}
LONGEST_CARDINAL = 6  # digits; what is longer is said digit by digit
FEWEST_DIGITS = 3  # in a row are a number that was said digit by digit
_TOKEN = re.compile(r"\d[\d:]*\s*[ap]m\b|\S+", re.IGNORECASE)
_HALF_OF_DAY = re.compile(r"(\d)\s*([ap])\.?\s?m\b\.?", re.IGNORECASE)
_MONEY = re.compile(r"\$(\d+)(?:\.(\d\d))?")
_TIME = re.compile(r"(\d{1,2}):(\d\d)")
_PIECE = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|\d+")
_SENTENCE = re.compile(r"[^.!?]+(?:[.!?]+(?=\s|$)|[.!?](?=\S)[^.!?]*)*[.!?]*")
_INITIALS = re.compile(r"\b([A-Za-z])\.(?:([A-Za-z])\.)+")


def plain(text: str) -> str:
    """Return a text in ASCII, as flite and the dictionary know it."""
    text = text.replace("’", "'").replace("‘", "'").replace("–", "-").replace("—", " - ").replace("…", ".")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def cardinal(number: int) -> Words:
    """Return how a number below a million is said as one."""
    if number < len(ONES):
        return (ONES[number],)
    if number < 100:
        return (TENS[number // 10], *(cardinal(number % 10) if number % 10 else ()))
    unit, name = (1_000, "thousand") if number >= 1_000 else (100, "hundred")
    return (*cardinal(number // unit), name, *(cardinal(number % unit) if number % unit else ()))


def digit_by_digit(digits: str) -> Words:
    """Return how digits are said one after the other."""
    return tuple(ONES[int(digit)] for digit in digits)


def spoken(token: str, *, as_digits: bool) -> Words:
    """Return how what stands between two spaces is said."""
    words: list[str] = []
    if money := _MONEY.search(token):
        words += [*cardinal(int(money[1][:LONGEST_CARDINAL])), "dollars"]
        return (*words, *(cardinal(int(money[2])) if money[2] else ()), *(("cents",) if money[2] else ()))
    if time := _TIME.search(token):
        return (*cardinal(int(time[1])), *(cardinal(int(time[2])) if int(time[2]) else ()))
    for piece in _PIECE.findall(token):
        if not piece.isdigit():
            words.append(piece.lower())
        elif as_digits or len(piece) > LONGEST_CARDINAL:
            words += digit_by_digit(piece)
        else:
            words += cardinal(int(piece))
    return tuple(words)


def tokens_of(line: str) -> list[str]:
    """Return what stands between spaces, abbreviations without their dots: a.m. is said as a m."""
    halved = _HALF_OF_DAY.sub(r"\1 \2 m", plain(line))
    return _INITIALS.sub(lambda found: found[0].replace(".", " "), halved).split()


def variants(line: str) -> list[Words]:
    """Return the ways in which a line may be said, each once."""
    tokens = tokens_of(line)
    ways = (tuple(word for token in tokens for word in spoken(token, as_digits=way)) for way in (False, True))
    return list(dict.fromkeys(way for way in ways if way))


class Writing:
    """How what was said is written: as in a line that was expected, wherever there is one."""

    def __init__(self, expected: Iterable[str]) -> None:
        self._written: dict[Words, str] = {}
        for line in expected:
            sentences = [found.strip() for found in _SENTENCE.findall(line)]
            for sentence in sentences:
                for way in variants(sentence):
                    self._written.setdefault(way, sentence)
                for nth, token in enumerate(_TOKEN.findall(sentence)):
                    bare = token.strip('.,;:!?"()')
                    if any(char.isdigit() or char == "-" for char in bare) or (nth and bare[:1].isupper()):
                        for way in variants(bare):
                            self._written.setdefault(way, bare)
        self._longest = max(map(len, self._written), default=0)

    def of(self, words: list[str]) -> str:
        """Return words as they are written, the longest that is known first."""
        return " ".join(self._parts(words))

    def _parts(self, words: list[str]) -> Iterator[str]:
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                if (known := self._written.get(tuple(words[at : at + length]))) is not None:
                    yield known
                    at += length
                    break
            else:
                run = at
                while run < len(words) and words[run] in DIGITS:
                    run += 1
                if run - at >= FEWEST_DIGITS:
                    yield "".join(DIGITS[word] for word in words[at:run])
                    at = run
                else:
                    yield "I" + words[at][1:] if re.match(r"i($|')", words[at]) else words[at]
                    at += 1
