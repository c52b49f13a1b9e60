"""Hands recordings of calls over to the store."""

from datetime import datetime
from pathlib import Path

from services.caller.domain.sound import Kept
from services.caller.edges.calls.recording import OfLeg
from services.caller.edges.media.recorder import Recorded
from services.caller.edges.recordings.keeping import OfCall, Recordings


class StoredRecordings:
    """Keeps recordings in the store of this deployment, if it has one."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def place(self) -> Path | None:
        """Return where a recorder may write, None if nothing is recorded."""
        return self._recordings.place() if self._recordings.place is not None else None

    async def keep(self, of: OfLeg, written: Recorded, started_at: datetime) -> Kept:
        """Keep what a recorder has written."""
        of_call = OfCall(of.run_id, of.org_id, of.call_id, of.log_id, of.is_second_leg, of.traceparent)
        kept = await self._recordings.keep(
            of_call, written.path, peaks=written.peaks, duration_ms=written.duration_ms, started_at=started_at
        )
        return Kept(**kept.model_dump())
