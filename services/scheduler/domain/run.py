"""What the scheduler knows of runs, and of what they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# What a run that expired had waited for: billing's answer, its predecessor's start, one of its organisation's slots,
# or, with a slot free, a worker.
WaitedFor = Literal["funds", "turn", "slot", "room"]


@dataclass(frozen=True, slots=True)
class NewRequest:
    """An accepted request. `runs` are (run, prompt index) in the batch's order; a dispatch is made of the `payload`.

    The first run is due at once, without a stagger all of them are.
    """

    request_id: int
    org_id: int
    batch_id: int | None
    stagger_seconds: int
    requested_at: datetime
    runs: Sequence[tuple[int, int]]
    traceparent: str | None
    payload: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """Which of new requests billing has answered already, and when the first of their runs expires."""

    reserved: Sequence[int]
    declined: Sequence[int]
    expire_in_seconds: float | None


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
class Answered:
    """What billing's answers led to: runs that went out at once, whether others could go too, and when some are due."""

    dispatched: Sequence[Dispatched]
    is_work_left: bool
    due_in_seconds: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What could be given: to organisations with due runs and free slots, locked, longest unserved first.

    `room`: how many runs the workers take in all beyond those that are dispatched. `is_overdue`: something has to
    expire before.
    """

    orgs: Sequence[int]
    room: int
    is_overdue: bool


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
class Canceled:
    """A run that is to be canceled and is the caller's."""

    run_id: int
    org_id: int
    request_id: int
    batch_id: int | None
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
