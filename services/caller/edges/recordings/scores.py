"""Calls in text that are to be rendered, on this machine's disk: a process that dies forgets none of them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from services.caller.domain.turn import Turn
from services.caller.edges.recordings.spool import SCORE, UNFINISHED, alone_with

MAX_SCORES = 2_000  # a transcript each, 256 KiB at most


@dataclass(frozen=True, slots=True)
class Score:
    """What a recording is rendered from, and what is said of it. `spooled_at`: since 1970."""

    key: str
    run_id: int
    org_id: int
    call_id: int
    name: str
    peaks_name: str
    duration_ms: int
    started_at: str
    traceparent: str | None
    spooled_at: float
    turns: tuple[Turn, ...]


class Scores:
    """Scores in the spool's folder, the organisation's number in their names."""

    def __init__(self, folder: Path, *, max_scores: int = MAX_SCORES) -> None:
        self._folder = folder
        self._max_scores = max_scores

    def add(self, score: Score) -> bool:
        """Let a call wait, and say whether there is room: an organisation may have as many as there is room left."""
        names = self._names()
        if sum(org_of(name) == score.org_id for name in names) >= self._max_scores - len(names):
            return False
        half = self._folder / f"{score.key}{UNFINISHED}"
        half.write_text(json.dumps(asdict(score)))
        half.replace(self._folder / f"{round(score.spooled_at * 1_000_000):016}-{score.org_id}-{score.key}{SCORE}")
        return True

    def in_turn(self, last_org_id: int) -> Sequence[str]:
        """Return what waits: the oldest of each organisation, beginning after the one that was last, and so on."""
        nth: Counter[int] = Counter()
        order = []
        for name in sorted(self._names()):
            org_id = org_of(name)
            nth[org_id] += 1
            order.append((nth[org_id], org_id <= last_org_id, org_id, name))
        return [name for *_, name in sorted(order)]

    @contextmanager
    def held(self, name: str) -> Iterator[Score | None]:
        """Keep everybody else from it; None if somebody has it, or it cannot be read: it is of a later release."""
        with alone_with(self._folder / name) as mine:
            yield self._read(name) if mine else None

    def drop(self, name: str) -> None:
        """Forget it."""
        (self._folder / name).unlink(missing_ok=True)

    def _read(self, name: str) -> Score | None:
        try:
            told = json.loads((self._folder / name).read_text())
            return Score(**{**told, "turns": tuple(Turn(**turn) for turn in told["turns"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _names(self) -> Sequence[str]:
        return [file.name for file in self._folder.glob(f"*{SCORE}")]


def org_of(name: str) -> int:
    """Return whose a score is, 0 if its name does not say."""
    org_id = name.split("-")[1] if name.count("-") > 1 else ""
    return int(org_id) if org_id.isdecimal() else 0
