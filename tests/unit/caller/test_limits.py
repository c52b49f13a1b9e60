"""From the dispatch to the end of a run: what each part may take, added up, is what is promised."""

import pytest

from services.caller.domain import limits
from services.caller.domain.limits import CallLimits
from services.scheduler.domain import limits as scheduler_limits

STATEMENT_SECONDS = 1.0  # what the reaper's look itself may take


@pytest.mark.parametrize("minutes", [1, 2, 60])
def test_a_run_has_ended_a_minute_after_its_longest_duration_whether_its_worker_lives_or_not(minutes: int) -> None:
    dispatched_to_last_lease = scheduler_limits.START_WITHIN_SECONDS + limits.seconds_after_latest_start(minutes, 1.0)
    ended_within = dispatched_to_last_lease + limits.REAP_EVERY_SECONDS + STATEMENT_SECONDS
    assert ended_within <= minutes * limits.SECONDS_PER_MINUTE + limits.END_WITHIN_SECONDS


@pytest.mark.parametrize("minutes", [1, 2, 60])
def test_a_call_that_takes_all_that_it_may_is_over_before_its_last_lease_is(minutes: int) -> None:
    """The worker's own reckoning ends a margin early: a call that is dialled and answered late is not cut for that."""
    latest_end = limits.RING_LIMIT_SECONDS + CallLimits.for_held_minutes(minutes).max_call_ms / 1_000
    assert latest_end < limits.seconds_after_latest_start(minutes, 1.0) - limits.LEASE_MARGIN_SECONDS


@pytest.mark.parametrize(("speed", "call_seconds"), [(1.0, 120), (20.0, 120), (0.5, 240)])
def test_a_drain_lasts_as_long_as_a_call_can_that_is_just_being_placed(speed: float, call_seconds: float) -> None:
    """A high speed shortens speech alone: what a mind behind HTTP takes is real time."""
    assert limits.drain_seconds(2, speed) == call_seconds + limits.RING_LIMIT_SECONDS + 10


def test_a_renewal_that_is_not_answered_in_time_leaves_time_for_another() -> None:
    from services.caller.edges.leases import ANSWER_SECONDS, RETRY_SECONDS

    own_seconds = limits.LEASE_SECONDS - limits.LEASE_MARGIN_SECONDS
    assert own_seconds > limits.HEARTBEAT_SECONDS + ANSWER_SECONDS + RETRY_SECONDS + 2
