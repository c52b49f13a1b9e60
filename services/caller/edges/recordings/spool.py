"""Recordings on this machine's disk, on their way to the store: what a process that died has left is found again."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

MAX_SPOOL_BYTES = 10 * 1024**3
MAX_RECORDING_SECONDS = 25 * 3_600  # longer than any call: what is being written for longer has no writer
FACTS, SOUND, PEAKS, SCORE, UNFINISHED = ".facts", ".wav", ".json", ".score", ".part"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A recording that waits, and what is said of it when it is stored or given up. `spooled_at`: since 1970."""

    key: str
    run_id: int
    org_id: int
    call_id: int | None
    is_second_leg: bool
    name: str
    peaks_name: str
    size_bytes: int
    duration_ms: int
    started_at: str | None
    traceparent: str | None
    spooled_at: float


class Spool:
    """A folder. A recording in it is three files; the last one that is written, the facts, makes it one."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_SPOOL_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def place(self) -> Path:
        """Return where a recorder may write."""
        return self._folder / f"{uuid4().hex}{UNFINISHED}"

    def has_room_for(self, size_bytes: int) -> bool:
        """Say whether so much more may wait."""
        waiting = sum(file.stat().st_size for file in self._folder.glob(f"*{SOUND}"))
        return waiting + size_bytes <= self._max_bytes

    def add(self, written: Path, peaks: str, facts: Spooled) -> None:
        """Take over what a recorder has written."""
        written.replace(self.sound_of(facts))
        self.peaks_of(facts).write_text(peaks)
        half = self._folder / f"{facts.key}{UNFINISHED}"
        half.write_text(json.dumps(asdict(facts)))
        half.replace(self._folder / f"{facts.key}{FACTS}")

    def waiting(self) -> Sequence[Spooled]:
        """Return what waits, the oldest first. Facts that cannot be read are of a later release: they are left."""
        found = []
        for file in self._folder.glob(f"*{FACTS}"):
            try:
                found.append(Spooled(**json.loads(file.read_text())))
            except (OSError, ValueError, TypeError):
                continue
        return sorted(found, key=lambda one: one.spooled_at)

    @contextmanager
    def held(self, one: Spooled) -> Iterator[bool]:
        """Keep other processes from it; False if one of them has it, or has just sent it."""
        with alone_with(self._folder / f"{one.key}{FACTS}") as mine:
            yield mine

    def sound_of(self, one: Spooled) -> Path:
        return self._folder / f"{one.key}{SOUND}"

    def peaks_of(self, one: Spooled) -> Path:
        return self._folder / f"{one.key}{PEAKS}"

    def drop(self, one: Spooled) -> None:
        """Forget it. The facts go last: what is left of the others without them is swept away."""
        for file in (self.sound_of(one), self.peaks_of(one), self._folder / f"{one.key}{FACTS}"):
            file.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what processes that died were still writing."""
        for file in self._folder.iterdir():
            is_part = file.suffix == UNFINISHED or not file.with_suffix(FACTS).exists()
            if (
                is_part
                and file.suffix not in (FACTS, SCORE)
                and time.time() - file.stat().st_mtime > MAX_RECORDING_SECONDS
            ):
                file.unlink(missing_ok=True)


@contextmanager
def alone_with(path: Path) -> Iterator[bool]:
    """Keep everybody else, also here, from a file; False if somebody has it, or has just deleted it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _locked(file) and os.fstat(file).st_nlink > 0
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
