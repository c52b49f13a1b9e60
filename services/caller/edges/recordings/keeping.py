"""Keeps recordings: into the store before the call's end is said where that takes a moment, else afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from services.caller import metrics
from services.caller.edges.recordings.spool import Spool, Spooled
from services.caller.usecases.settle_recordings import Settled, settle_recordings
from shared.events.recording import Recording
from shared.messaging.messages import Say
from shared.recordings.names import new_names
from shared.recordings.store import RecordingStore, StoreAway
from shared.telemetry import logs

WAIT_SECONDS = 2.0  # as long an end is held up by a store that does not answer; once, then it counts as away
AWAY_SECONDS = 30.0
LOOK_EVERY_SECONDS = 15.0
SWEEP_EVERY_SECONDS = 3_600.0
GIVE_UP_SECONDS = 24 * 3_600.0

DISABLED = Recording(mode="disabled_by_config")
LOST = Recording(mode="recording_failed_before_capture")

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class OfCall:
    """Whose recording it is. `call_id` is the attempt's, of both legs; `log_id` the leg's own call log, if known."""

    run_id: int
    org_id: int
    call_id: int
    log_id: int | None
    is_second_leg: bool = False
    traceparent: str | None = None


class Recordings:
    """The recordings of a process's calls. Without a store nothing is recorded."""

    def __init__(
        self,
        store: RecordingStore | None,
        spool: Spool | None,
        say: Callable[[Sequence[Say]], Awaitable[None]],
        *,
        wait_seconds: float = WAIT_SECONDS,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._store = store
        self._spool = spool
        self._say = say
        self._wait_seconds = wait_seconds
        self._give_up_seconds = give_up_seconds
        self._away_until = 0.0
        self._more = asyncio.Event()

    @property
    def place(self) -> Callable[[], Path] | None:
        """Where a recorder may write, None if nothing is recorded."""
        return self._spool.place if self._store is not None and self._spool is not None else None

    async def keep(
        self, of: OfCall, written: Path, *, peaks: str, duration_ms: int, started_at: datetime | None
    ) -> Recording:
        """Keep what a recorder has written; return what the end of the call says of it. Never raises for a store."""
        if self._store is None or self._spool is None:
            return DISABLED
        try:
            one = await asyncio.to_thread(self._spooled, of, written, peaks, duration_ms, started_at)
        except OSError as error:  # a full disk
            log.warning("a recording is lost", extra={"run_id": of.run_id, "error": logs.error_name(error)})
            one = None
        if one is None:
            metrics.RECORDINGS.labels("lost").inc()
            return LOST
        is_stored = False
        with self._spool.held(one) as mine:
            if mine and time.monotonic() >= self._away_until:
                with suppress(StoreAway, TimeoutError, FileNotFoundError):
                    async with asyncio.timeout(self._wait_seconds):
                        is_stored = await self._send(one)
                if is_stored:
                    self._spool.drop(one)
                else:
                    self._away_until = time.monotonic() + AWAY_SECONDS
        if is_stored:
            metrics.RECORDINGS.labels("stored").inc()
        else:
            self._more.set()
        return _told(one, is_stored=is_stored)

    def _spooled(
        self, of: OfCall, written: Path, peaks: str, duration_ms: int, started_at: datetime | None
    ) -> Spooled | None:
        assert self._spool is not None  # noqa: S101 - asked by `keep`
        size_bytes = written.stat().st_size
        if not self._spool.has_room_for(size_bytes):
            written.unlink()
            return None
        name, peaks_name = new_names(of.org_id, of.call_id, is_second_leg=of.is_second_leg)
        one = Spooled(
            key=uuid4().hex,
            run_id=of.run_id,
            org_id=of.org_id,
            call_id=of.log_id,
            is_second_leg=of.is_second_leg,
            name=name,
            peaks_name=peaks_name,
            size_bytes=size_bytes,
            duration_ms=duration_ms,
            started_at=started_at.isoformat() if started_at is not None else None,
            traceparent=of.traceparent,
            spooled_at=time.time(),
        )
        self._spool.add(written, peaks, one)
        return one

    def take_over(self, one: Spooled, written: Path, peaks: str) -> bool:
        """Take what was rendered after its call's end, and say in a while what becomes of it; False without room.

        Writes: use a thread. Raises OSError.
        """
        assert self._spool is not None  # noqa: S101 - asked by those who call
        if not self._spool.has_room_for(one.size_bytes):
            written.unlink()
            return False
        self._spool.add(written, peaks, one)
        return True

    def send_soon(self) -> None:
        """Look for what waits."""
        self._more.set()

    async def lose(self, settled: Settled) -> None:
        """Say that a recording never comes."""
        await self._say(settle_recordings([settled]))
        metrics.RECORDINGS.labels("lost").inc()

    async def _send(self, one: Spooled) -> bool:
        """Send the peaks, then the sound: what can be heard can be seen. Again and again is as good as once."""
        assert self._store is not None and self._spool is not None  # noqa: S101, PT018 - asked by those who call
        await self._store.put(one.peaks_name, self._spool.peaks_of(one))
        await self._store.put(one.name, self._spool.sound_of(one))
        return True

    async def send_for_ever(self) -> None:
        """Send what waits, also what processes of before have left, and say what became of it."""
        if self._store is None or self._spool is None:
            await asyncio.Event().wait()
        sweep_at = 0.0
        while True:
            self._more.clear()
            await self.send_once()
            if time.monotonic() >= sweep_at and self._spool is not None:
                await asyncio.to_thread(self._spool.sweep)
                sweep_at = time.monotonic() + SWEEP_EVERY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), LOOK_EVERY_SECONDS)
                await asyncio.sleep(max(0.0, self._away_until - time.monotonic()))

    async def send_once(self) -> None:
        """Look through all that waits. A store that does not answer is not asked for the next one."""
        assert self._spool is not None  # noqa: S101 - asked by those who call
        waiting = await asyncio.to_thread(self._spool.waiting)
        metrics.RECORDINGS_WAITING.set(len(waiting))
        for one in waiting:
            with self._spool.held(one) as mine:
                if not mine:
                    continue
                try:
                    is_stored = await self._send(one)
                except StoreAway as error:
                    self._away_until = time.monotonic() + AWAY_SECONDS
                    if time.time() - one.spooled_at < self._give_up_seconds:
                        log.warning(
                            "recordings wait for their store", extra={"waiting": len(waiting), "why": str(error)}
                        )
                        return
                    is_stored = False
                except FileNotFoundError:  # somebody has tidied up
                    is_stored = False
                told = _told(one, is_stored=True) if is_stored else LOST
                await self._say(
                    settle_recordings(
                        [Settled(one.run_id, one.org_id, one.call_id, one.is_second_leg, told, one.traceparent)]
                    )
                )
                self._spool.drop(one)
                metrics.RECORDINGS.labels("late" if is_stored else "lost").inc()


def _told(one: Spooled, *, is_stored: bool) -> Recording:
    return Recording(
        mode="recording",
        name=one.name,
        peaks_name=one.peaks_name,
        is_stored=is_stored,
        bytes=one.size_bytes,
        duration_ms=one.duration_ms,
        started_at=datetime.fromisoformat(one.started_at) if one.started_at is not None else None,
    )
