"""Renders recordings of calls that were text, after their ends: no end, bill or slot waits for speech."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

from services.caller import metrics
from services.caller.domain.media import Speech, SpeechError
from services.caller.domain.turn import Turn
from services.caller.edges.media.recorder import Recorded
from services.caller.edges.media.render import Voices, render
from services.caller.edges.recordings.keeping import DISABLED, LOST, OfCall, Recordings
from services.caller.edges.recordings.scores import Score, Scores
from services.caller.edges.recordings.spool import Spooled
from services.caller.usecases.settle_recordings import Settled
from shared.events.recording import Recording
from shared.recordings.names import new_names
from shared.telemetry import logs

WAIT_SECONDS = 2.0  # as long an end is held up by a disk that hangs; then there is no recording
RENDERS_AT_ONCE = 2  # calls that are up want speech as well
RENDER_LIMIT_SECONDS = 600.0
RETRY_SECONDS = 15.0  # doubled for each further try
MAX_TRIES = 10  # the last one comes after two hours
LOOK_EVERY_SECONDS = 15.0  # for what other processes have left

log = logs.logger(__name__)


class Renderings:
    """Calls that wait for their voices. Without scores, a store or speech nothing is rendered."""

    def __init__(
        self,
        scores: Scores | None,
        recordings: Recordings,
        speech: Speech | None,
        voices: Voices,
        *,
        limit_seconds: float = RENDER_LIMIT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        max_tries: int = MAX_TRIES,
    ) -> None:
        self._scores = scores
        self._recordings = recordings
        self._speech = speech
        self._voices = voices
        self._limit_seconds = limit_seconds
        self._retry_seconds = retry_seconds
        self._max_tries = max_tries
        self._tried: dict[str, tuple[int, float]] = {}  # times, and when it may be tried again
        self._last_org_id = 0
        self._more = asyncio.Event()

    async def keep(self, of: OfCall, turns: Sequence[Turn], *, duration_ms: int, started_at: datetime) -> Recording:
        """Let a call wait for its voices; return what its end says of the recording. Never raises for a disk."""
        if self._scores is None or self._recordings.place is None or self._speech is None:
            return DISABLED
        name, peaks_name = new_names(of.org_id, of.call_id)
        score = Score(
            key=uuid4().hex,
            run_id=of.run_id,
            org_id=of.org_id,
            call_id=of.call_id,
            name=name,
            peaks_name=peaks_name,
            duration_ms=duration_ms,
            started_at=started_at.isoformat(),
            traceparent=of.traceparent,
            spooled_at=time.time(),
            turns=tuple(turns),
        )
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                has_room = await asyncio.to_thread(self._scores.add, score)
        except OSError as error:  # a full disk, or one that hangs
            log.warning("a recording is lost", extra={"run_id": of.run_id, "error": logs.error_name(error)})
            has_room = False
        if not has_room:
            metrics.RECORDINGS.labels("lost").inc()
            return LOST
        self._more.set()
        return Recording(
            mode="recording", name=name, peaks_name=peaks_name, duration_ms=duration_ms, started_at=started_at
        )

    async def render_for_ever(self) -> None:
        """Render what waits, also what processes of before have left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(RENDERS_AT_ONCE):
                group.create_task(self._render_one_after_the_other())

    async def _render_one_after_the_other(self) -> None:
        while True:
            self._more.clear()
            if not await self.render_next():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), LOOK_EVERY_SECONDS)

    async def render_next(self) -> bool:
        """Render one that waits and is in nobody's hands; return whether there was one."""
        if self._scores is None or self._recordings.place is None:
            return False
        names = await asyncio.to_thread(self._scores.in_turn, self._last_org_id)
        metrics.RENDERINGS_WAITING.set(len(names))
        self._tried = {name: tried for name, tried in self._tried.items() if name in names}
        for name in names:
            if self._tried.get(name, (0, 0.0))[1] > time.monotonic():
                continue
            with self._scores.held(name) as score:
                if score is not None:
                    self._last_org_id = score.org_id
                    await self._render(name, score, self._scores)
                    return True
        return False

    async def _render(self, name: str, score: Score, scores: Scores) -> None:
        """Render it, and hand it over: from then on it is as any other recording that waits for its store."""
        try:
            async with asyncio.timeout(self._limit_seconds):
                recorded = await self._rendered(score)
            is_kept = await asyncio.to_thread(
                self._recordings.take_over, _facts(score, recorded), recorded.path, recorded.peaks
            )
        except (SpeechError, OSError) as error:
            log.warning("a call is not rendered", extra={"run_id": score.run_id, "error": logs.error_name(error)})
            times = self._tried.get(name, (0, 0.0))[0] + 1
            if times < self._max_tries:
                self._tried[name] = times, time.monotonic() + self._retry_seconds * 2 ** (times - 1)
                return
            is_kept = False
        if is_kept:
            self._recordings.send_soon()
        else:
            settled = Settled(score.run_id, score.org_id, score.call_id, False, LOST, score.traceparent)
            await self._recordings.lose(settled)
        scores.drop(name)

    async def _rendered(self, score: Score) -> Recorded:
        place = self._recordings.place
        if self._speech is None or place is None:
            raise SpeechError("There is no speech on this deployment any more")
        path = place()
        try:
            return await render(score.turns, self._speech, self._voices, path, duration_ms=score.duration_ms)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _facts(score: Score, recorded: Recorded) -> Spooled:
    return Spooled(
        key=score.key,
        run_id=score.run_id,
        org_id=score.org_id,
        call_id=score.call_id,
        is_second_leg=False,
        name=score.name,
        peaks_name=score.peaks_name,
        size_bytes=recorded.size_bytes,
        duration_ms=recorded.duration_ms,
        started_at=score.started_at,
        traceparent=score.traceparent,
        spooled_at=time.time(),
    )
