"""What is known of recordings, and of the second leg of a call over SIP, before it is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call's recording. One that is settled is not told otherwise any more; `is_stored`: it can be fetched."""

    call_id: int
    mode: str
    name: str | None
    peaks_name: str | None
    is_stored: bool
    is_settled: bool
    size_bytes: int
    duration_ms: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How the second leg ended, as its own end saw it. `transcript` and `figures` are JSON."""

    ended_at: datetime | None
    duration_seconds: int | None
    end_reason: str | None
    transcript: str
    figures: str | None
    answered_at: datetime | None
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True)
class EndedLeg:
    """What is written of the second leg's call log, which the inbound webhook made."""

    call_id: int
    end_time: datetime
    duration_seconds: int | None
    status: str
    end_reason: str | None
    transcript: str
    figures: str | None
    sip_answered_at: datetime | None


def told_once(recorded: Iterable[Recorded]) -> list[Recorded]:
    """Return what counts of each call: the first that is settled, else the first; in the order of the calls."""
    counts: dict[int, Recorded] = {}
    for one in recorded:
        known = counts.setdefault(one.call_id, one)
        if one.is_settled and not known.is_settled:
            counts[one.call_id] = one
    return [counts[call_id] for call_id in sorted(counts)]
