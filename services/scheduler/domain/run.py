"""What the scheduler knows of a run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# What a run that expired had waited for: billing's answer, its predecessor's start, one of its organisation's slots,
# or, with a slot free, a worker.
WaitedFor = Literal["funds", "turn", "slot", "room"]


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run as it is accepted. `due_at` is None while it waits for its predecessor's start."""

    run_id: int
    org_id: int
    request_id: int
    batch_id: int | None
    position: int
    prompt_index: int
    stagger_seconds: int
    due_at: datetime | None
    requested_at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A run that was given a slot. `payload` is its request as it was heard, None if that is not there any more."""

    run_id: int
    org_id: int
    request_id: int
    batch_id: int | None
    prompt_index: int
    payload: str | None
    start_before: datetime
    dispatched_at: datetime
    dispatch_no: int
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Expired:
    """A run that was given up before it was dispatched."""

    run_id: int
    org_id: int
    request_id: int
    batch_id: int | None
    waited_for: WaitedFor
    expired_at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class OrgLimits:
    """An organisation's limits, and when they were said."""

    org_id: int
    max_concurrent_runs: int
    max_queue_seconds: int
    said_at: datetime
    said_id: str


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker announced: how many calls it takes in all, and how many it holds."""

    worker_id: str
    calls_limit: int
    calls_up: int
    announced_at: datetime
