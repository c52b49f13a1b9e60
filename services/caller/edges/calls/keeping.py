"""Hands recordings of calls over to the store."""

from datetime import datetime
from pathlib import Path

from services.caller.domain.conversation import Conversation
from services.caller.domain.sound import Kept
from services.caller.edges.calls.recording import OfLeg
from services.caller.edges.media.recorder import Recorded
from services.caller.edges.recordings.keeping import OfCall, Recordings
from services.caller.edges.recordings.rendering import Renderings


class StoredRecordings:
    """Keeps recordings in the store of this deployment, if it has one."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def place(self) -> Path | None:
        """Return where a recorder may write, None if nothing is recorded."""
        return self._recordings.place() if self._recordings.place is not None else None

    async def keep(self, of: OfLeg, written: Recorded, started_at: datetime) -> Kept:
        """Keep what a recorder has written."""
        kept = await self._recordings.keep(
            _of_call(of), written.path, peaks=written.peaks, duration_ms=written.duration_ms, started_at=started_at
        )
        return Kept(**kept.model_dump())


class RenderedRecordings:
    """Has recordings rendered of calls that were text."""

    def __init__(self, renderings: Renderings) -> None:
        self._renderings = renderings

    async def keep(self, of: OfLeg, held: Conversation, answered_at: datetime) -> Kept:
        """Let a call wait for its voices."""
        kept = await self._renderings.keep(
            _of_call(of), held.turns, duration_ms=held.duration_ms, started_at=answered_at
        )
        return Kept(**kept.model_dump())


def _of_call(of: OfLeg) -> OfCall:
    return OfCall(of.run_id, of.org_id, of.call_id, of.log_id, of.is_second_leg, of.traceparent)
