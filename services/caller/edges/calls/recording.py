"""Records an end of a call, and hands the recording over to be kept."""

from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from services.caller.domain.conversation import Conversation
from services.caller.domain.sound import Kept
from services.caller.edges.media.recorder import Recorded, Recorder
from shared.telemetry import logs

FAILED = Kept("recording_failed_before_capture")
DISABLED = Kept("disabled_by_config")

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class OfLeg:
    """Whose recording it is. `call_id` is the attempt's, of both legs; `log_id` the leg's own call log, if known."""

    run_id: int
    org_id: int
    call_id: int
    log_id: int | None
    is_second_leg: bool
    traceparent: str | None


class Keeps(Protocol):
    """Keeps recordings."""

    def place(self) -> Path | None:
        """Return where a recorder may write, None if nothing is recorded."""

    async def keep(self, of: OfLeg, written: Recorded, started_at: datetime) -> Kept:
        """Keep what a recorder has written; return what became of it."""


class Renders(Protocol):
    """Makes recordings of calls in text, after their ends."""

    async def keep(self, of: OfLeg, held: Conversation, answered_at: datetime) -> Kept:
        """Have one made; return what becomes of it, as far as that is known. Waits for no speech."""


class Tape:
    """One end's recording."""

    def __init__(self, of: OfLeg, keeps: Keeps, place: Path, thread: Executor) -> None:
        self._of = of
        self._keeps = keeps
        self._recorder = Recorder(place, thread)
        self._started_at = datetime.now(UTC)
        self.add = self._recorder.add

    async def keep(self) -> Kept:
        """Hand it over, and return what became of it. Never raises."""
        try:
            return await self._keeps.keep(self._of, await self._recorder.finish(), self._started_at)
        except Exception as error:
            log.warning("a recording is lost", extra={"run_id": self._of.run_id, "error": logs.error_name(error)})
            return FAILED
