"""Events for tests: valid ones, of which a test states only what matters to it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from shared.events.admissions import CancelPassedOn, TestCallExpired
from shared.events.billing import Account, FundsDeclined, FundsReserved
from shared.events.connection import BuiltinConnection
from shared.events.executions import (
    CallerRoomAnnounced,
    CallFigures,
    CallStarted,
    TestCallCompleted,
    TestCallFailed,
    TestCallReturned,
)
from shared.events.requests import CancelRequested, Price, RequestedRun, Target, TestCallRequested

E = TypeVar("E")

TARIFF_CENTS = 8
MULTIPLIER = 2
PROMPT = "Ask for the opening hours on Sunday."
FIGURES = CallFigures(
    agent_turns=0, bot_turns=0, agent_latency_p50_ms=None, agent_latency_max_ms=None, agent_talk_ratio=None
)
ACCOUNT = Account(balance_cents=0, held_cents=0, version=1)


def requested(
    *run_ids: int,
    org_id: int = 1,
    stagger_seconds: int = 0,
    held_minutes: int = 1,
    batch: bool | None = None,
    requested_at: datetime | None = None,
) -> TestCallRequested:
    """An accepted request; its id is its first run's."""
    batch = len(run_ids) > 1 if batch is None else batch
    return TestCallRequested(
        request_id=run_ids[0],
        org_id=org_id,
        batch_id=run_ids[0] if batch else None,
        runs=tuple(RequestedRun(run_id=run_id, prompt_index=0) for run_id in run_ids),
        prompts=(PROMPT,),
        direction="outbound",
        mode="bot",
        target=Target(
            target_type="agent",
            target_id=org_id,
            agent_id=org_id,
            agent_name="Ann",
            agent_number="+15555550100",
            bot_number="+15555550101",
            product="default",
            voice="",
            connection=BuiltinConnection(),
        ),
        price=Price(tariff_cents_per_minute=TARIFF_CENTS, charge_multiplier=MULTIPLIER, held_minutes=held_minutes),
        stagger_seconds=stagger_seconds,
        requested_at=requested_at or datetime.now(UTC),
    )


def reserved(*run_ids: int, org_id: int = 1) -> FundsReserved:
    """Billing's yes to a request."""
    return FundsReserved(
        request_id=run_ids[0],
        org_id=org_id,
        run_ids=run_ids,
        held_cents_per_run=TARIFF_CENTS * MULTIPLIER,
        entries=(),
        account=ACCOUNT,
    )


def declined(run_id: int, org_id: int = 1) -> FundsDeclined:
    """Billing's no to a request."""
    return FundsDeclined(request_id=run_id, org_id=org_id, reason="insufficient_funds", account=ACCOUNT)


def started(run_id: int, *, org_id: int = 1, batch_id: int | None = None, at: datetime | None = None) -> CallStarted:
    """A call that was placed."""
    return CallStarted(
        run_id=run_id,
        org_id=org_id,
        batch_id=batch_id,
        call_id=run_id + 500_000,
        agent_id=org_id,
        direction="outbound",
        from_number="+15555550101",
        to_number="+15555550100",
        product="default",
        voice="",
        started_at=at or datetime.now(UTC),
    )


def completed(run_id: int, *, org_id: int = 1, duration_seconds: int = 30) -> TestCallCompleted:
    """A call that ended in order."""
    now = datetime.now(UTC)
    return TestCallCompleted(
        run_id=run_id,
        org_id=org_id,
        batch_id=None,
        call_id=run_id + 500_000,
        started_at=now - timedelta(seconds=duration_seconds),
        ended_at=now,
        duration_seconds=duration_seconds,
        end_reason="caller_hangup",
        transcript=(),
        figures=FIGURES,
    )


def failed(run_id: int, *, org_id: int | None = 1, called: bool = False) -> TestCallFailed:
    """A run that failed, before or during its call."""
    now = datetime.now(UTC)
    return TestCallFailed(
        run_id=run_id,
        org_id=org_id,
        batch_id=None,
        call_id=run_id + 500_000 if called else None,
        started_at=now if called else None,
        ended_at=now,
        duration_seconds=1 if called else None,
        error_message="The agent did not answer",
        transcript=(),
        figures=None,
    )


def expired(run_id: int, *, request_id: int | None = None, org_id: int = 1) -> TestCallExpired:
    """A run that waited too long."""
    return TestCallExpired(
        run_id=run_id,
        org_id=org_id,
        request_id=request_id or run_id,
        batch_id=None,
        reason="No slot became free in time",
        expired_at=datetime.now(UTC),
    )


def returned(run_id: int, dispatch_no: int = 1, *, org_id: int = 1) -> TestCallReturned:
    """A dispatch that no worker had room for."""
    return TestCallReturned(
        run_id=run_id, org_id=org_id, batch_id=None, dispatch_no=dispatch_no, returned_at=datetime.now(UTC)
    )


def room(
    calls_limit: int, *, worker: int = 1, calls_up: int = 0, announced_at: datetime | None = None
) -> CallerRoomAnnounced:
    """A worker's announcement."""
    return CallerRoomAnnounced(
        worker_id=str(UUID(int=worker)),
        calls_limit=calls_limit,
        calls_up=calls_up,
        announced_at=announced_at or datetime.now(UTC),
    )


def of(said: Sequence[object], event: type[E]) -> list[E]:
    """Return what was said of one kind."""
    return [one for one in said if isinstance(one, event)]


def cancel_requested(run_id: int, *, org_id: int = 1) -> CancelRequested:
    """A customer who wants a run to end."""
    return CancelRequested(
        run_id=run_id, org_id=org_id, request_id=run_id, batch_id=None, requested_at=datetime.now(UTC)
    )


def cancel_passed_on(run_id: int, *, org_id: int = 1) -> CancelPassedOn:
    """The same, of a run that was dispatched."""
    return CancelPassedOn(run_id=run_id, org_id=org_id, request_id=run_id, batch_id=None)
