"""A lease is over here before anybody else may think so."""

import math

import pytest

from services.caller.domain import call_clock, limits
from services.caller.domain.lease import Lease

OWN_SECONDS = limits.LEASE_SECONDS - limits.LEASE_MARGIN_SECONDS


def test_a_lease_counts_from_before_it_was_asked_for_and_ends_a_margin_early() -> None:
    lease = Lease(asked_at=100.0)
    assert lease.holds(100.0 + OWN_SECONDS - 0.001)
    assert not lease.holds(100.0 + OWN_SECONDS)


def test_a_renewal_counts_from_when_it_was_sent_not_from_when_it_was_answered() -> None:
    lease = Lease(asked_at=100.0)
    lease.renewed(asked_at=105.0)  # the answer may have come much later
    assert lease.holds(105.0 + OWN_SECONDS - 0.001)
    assert not lease.holds(105.0 + OWN_SECONDS)


@pytest.mark.parametrize("now", [0.0, 100.0, -math.inf])
def test_a_lost_lease_holds_at_no_time(now: float) -> None:
    lease = Lease(asked_at=100.0)
    lease.lost()
    assert not lease.holds(now)


def test_a_heartbeat_may_fail_once_and_the_call_goes_on() -> None:
    assert 2 * limits.HEARTBEAT_SECONDS < OWN_SECONDS


def test_a_lease_never_reaches_beyond_the_last_moment_of_the_run() -> None:
    lease = Lease(asked_at=100.0)
    lease.ends_with(120.0)
    assert lease.seconds_to_ask_for(100.0) == limits.LEASE_SECONDS
    assert lease.seconds_to_ask_for(110.0) == 10.0, "who dies now is found as early as everybody else"
    lease.renewed(asked_at=110.0)
    assert lease.holds(120.0 - limits.LEASE_MARGIN_SECONDS - 0.001)
    assert not lease.holds(120.0 - limits.LEASE_MARGIN_SECONDS)


def test_after_the_last_moment_the_call_is_silent_and_its_end_may_still_be_written_down() -> None:
    lease = Lease(asked_at=100.0)
    lease.ends_with(120.0)
    assert lease.seconds_to_ask_for(121.0) == limits.LEASE_SECONDS
    lease.renewed(asked_at=121.0)
    assert not lease.holds(121.0)


def test_the_margin_leaves_time_to_hang_up() -> None:
    assert 4 * call_clock.SLICE_SECONDS < limits.LEASE_MARGIN_SECONDS
