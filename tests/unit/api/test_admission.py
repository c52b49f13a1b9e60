"""Room for a request: the funds first, then the slots or the queue; all or nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.domain.admission import (
    ConcurrencyLimit,
    InsufficientBalance,
    NoAgentAssigned,
    QueueFull,
    Room,
    Target,
    TargetNotFound,
    admit,
    find_target,
)

ESTIMATE = 16


def a_room(
    *, available_cents: int = 1_000, slots: int = 20, places: int = 200, active: int = 0, queued: int = 0
) -> Room:
    return Room(
        org_id=1,
        max_concurrent_runs=slots,
        max_queued_runs=places,
        available_cents=available_cents,
        active_runs=active,
        queued_runs=queued,
    )


def a_target(agent_id: int | None = 7) -> Target:
    return Target("Front desk", agent_id, "Ann", "+15551230000", "default", "", "{}")


def test_the_funds_come_before_the_slots_and_the_queue() -> None:
    room = a_room(available_cents=15, slots=0, places=0)
    for is_batch in (False, True):
        refused = admit(room, run_count=1, is_batch=is_batch, estimated_cost_cents=ESTIMATE)
        assert refused == InsufficientBalance(15, ESTIMATE)


def test_funds_that_are_just_enough_are_enough() -> None:
    room = a_room(available_cents=ESTIMATE)
    assert admit(room, run_count=1, is_batch=False, estimated_cost_cents=ESTIMATE) is None
    assert room.available_cents == 0


def test_a_run_that_costs_nothing_needs_nothing() -> None:
    assert admit(a_room(available_cents=0), run_count=1, is_batch=False, estimated_cost_cents=0) is None


def test_the_last_slot_is_given_and_then_none() -> None:
    room = a_room(slots=3, active=2)
    assert admit(room, run_count=1, is_batch=False, estimated_cost_cents=ESTIMATE) is None
    assert admit(room, run_count=1, is_batch=False, estimated_cost_cents=ESTIMATE) == ConcurrencyLimit(3)


@pytest.mark.parametrize(("queued", "refused"), [(195, None), (196, QueueFull(200))])
def test_a_batch_fits_into_the_queue_as_a_whole(queued: int, refused: QueueFull | None) -> None:
    room = a_room(queued=queued)
    assert admit(room, run_count=5, is_batch=True, estimated_cost_cents=80) == refused


def test_a_batch_needs_no_slot_and_a_single_run_no_place_in_the_queue() -> None:
    assert admit(a_room(slots=0), run_count=5, is_batch=True, estimated_cost_cents=80) is None
    assert admit(a_room(places=0), run_count=1, is_batch=False, estimated_cost_cents=ESTIMATE) is None


@given(
    available=st.integers(-100, 400),
    slots=st.integers(0, 4),
    places=st.integers(0, 25),
    active=st.integers(0, 4),
    queued=st.integers(0, 25),
    run_count=st.integers(1, 20),
    is_batch=st.booleans(),
)
def test_what_is_accepted_is_taken_and_what_is_refused_takes_nothing(
    available: int, slots: int, places: int, active: int, queued: int, run_count: int, is_batch: bool
) -> None:
    room = a_room(available_cents=available, slots=slots, places=places, active=active, queued=queued)
    before, run_count = replace(room), run_count if is_batch else 1
    cost = run_count * ESTIMATE
    refused = admit(room, run_count=run_count, is_batch=is_batch, estimated_cost_cents=cost)
    if refused is not None:
        assert room == before
        return
    assert room.available_cents == before.available_cents - cost >= 0
    assert room.queued_runs == before.queued_runs + run_count
    assert room.active_runs == before.active_runs + (0 if is_batch else 1)
    assert room.queued_runs <= places if is_batch else room.active_runs <= slots


def test_a_target_is_found_missing_or_without_an_agent() -> None:
    assert find_target(a_target(), "phone_number", "outbound") == a_target()
    assert find_target(None, "agent", "outbound") == TargetNotFound("agent")
    assert find_target(None, "phone_number", "inbound") == TargetNotFound("phone_number")
    assert find_target(a_target(agent_id=None), "phone_number", "inbound") == NoAgentAssigned("inbound")
