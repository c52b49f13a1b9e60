"""Writes a call down while it goes on: frame by frame with the ticks, in a thread, never in the loop."""

import asyncio
import os
import random
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.caller.domain.media import FRAME_MS, SAMPLE_RATE_HZ
from services.caller.edges.media import wav
from services.caller.edges.media.peaks import Peaks
from shared.telemetry import logs

CHUNK_FRAMES = 1_000 // FRAME_MS
# A disk may hang so long before a recording ends early; the call goes on without it. 2 MB of memory.
MAX_WAITING_CHUNKS = 60
MAX_RECORDING_MS = 24 * 3_600_000

log = logs.logger(__name__)


def recording_thread() -> ThreadPoolExecutor:
    """Return the thread that writes all recordings of a process. One: what is handed over first is written first."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording on disk. `is_whole`: nothing of the call is missing at its end. `peaks`: JSON, see `Peaks`."""

    path: Path
    duration_ms: int
    size_bytes: int
    is_whole: bool
    peaks: str


class Recorder:
    """One call's recording. It is a valid file at any moment, also if this process dies: a second may be missing."""

    def __init__(
        self,
        path: Path,
        thread: Executor,
        *,
        max_recording_ms: int = MAX_RECORDING_MS,
        first_chunk_frames: int | None = None,
    ) -> None:
        self._path = path
        self._thread = thread
        self._left: list[bytes] = []
        self._right: list[bytes] = []
        self._frames_left = max_recording_ms // FRAME_MS
        # Calls that begin together must not be written down in the same tick for ever.
        self._hand_over_at = first_chunk_frames or random.randint(1, CHUNK_FRAMES)  # noqa: S311
        self._waiting = 0
        self._is_full = self._has_failed = False
        self._peaks = Peaks()
        self._file: int | None = None
        self._sound_bytes = 0
        self._finished: asyncio.Future[Recorded] | None = None

    def add(self, left: bytes, right: bytes) -> None:
        """Write down one tick: what the caller said, what the agent said. Never blocks."""
        if self._is_full or self._has_failed or self._finished is not None:
            return
        if not self._frames_left or self._waiting >= MAX_WAITING_CHUNKS:
            self._is_full = True
            log.warning("a recording ends early", extra={"waiting_chunks": self._waiting})
            return
        self._frames_left -= 1
        self._left.append(left)
        self._right.append(right)
        if len(self._left) >= self._hand_over_at:
            self._hand_over()
            self._hand_over_at = CHUNK_FRAMES

    def _hand_over(self) -> None:
        left, right = b"".join(self._left), b"".join(self._right)
        self._left.clear()
        self._right.clear()
        self._waiting += 1
        self._thread.submit(self._guarded, lambda: self._write(left, right))

    async def finish(self) -> Recorded:
        """Write what is left, close the file, say what it is. *Idempotent.* Raises OSError if there is none."""
        if self._finished is None:
            if self._left:
                self._hand_over()
            self._finished = asyncio.wrap_future(self._thread.submit(self._close))
        return await asyncio.shield(self._finished)

    async def discard(self) -> None:
        """Let there be no recording. *Idempotent.*"""
        self._has_failed = True
        self._left.clear()
        self._right.clear()
        try:
            await self.finish()
        finally:
            await asyncio.wrap_future(self._thread.submit(self._path.unlink, missing_ok=True))

    # In the thread.

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            if not self._has_failed:
                write()
        except OSError as error:  # a full disk: what is written stays, the call goes on
            self._has_failed = True
            log.warning("a recording could not be written", extra={"error": logs.error_name(error)})
        finally:
            self._waiting -= 1

    def _write(self, left: bytes, right: bytes) -> None:
        both = np.column_stack((np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")))
        self._peaks.add(both)
        file = self._opened()
        sound = both.tobytes()
        # The sound first, then the header that covers it: whoever reads in between finds less, never garbage.
        _write_all(file, sound, wav.HEADER_BYTES + self._sound_bytes)
        self._sound_bytes += len(sound)
        os.pwrite(file, wav.header(self._sound_bytes), 0)

    def _opened(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, wav.header(0), 0)
        return self._file

    def _close(self) -> Recorded:
        file = self._opened()
        try:
            # A write that failed may have left bytes that the header doesn't cover.
            os.ftruncate(file, wav.HEADER_BYTES + self._sound_bytes)
            os.fsync(file)
        finally:
            os.close(file)
        return Recorded(
            self._path,
            self._sound_bytes // wav.BLOCK_BYTES * 1_000 // SAMPLE_RATE_HZ,
            wav.HEADER_BYTES + self._sound_bytes,
            not (self._is_full or self._has_failed),
            self._peaks.to_json(),
        )


def _write_all(file: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written
