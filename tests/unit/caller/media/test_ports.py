"""Media ports come from a bounded range, and go back to it exactly once."""

import os
import socket

import pytest

from services.caller.edges.lines import read_range
from services.caller.edges.media.ports import Ports, PortsUsedUp
from tests.unit.caller.media.hand_clock import Time

HOST = "127.0.0.1"
BASE = 22_000 + os.getpid() % 400 * 24  # beside those of other runs, below what the kernel gives away by itself


def test_pairs_are_even_and_bound_and_there_are_no_more_than_the_range_has() -> None:
    ports = Ports(HOST, BASE + 1, BASE + 7)
    taken = [ports.take() for _ in range(3)]
    assert [one.port for one in taken] == [BASE + 2, BASE + 4, BASE + 6]
    assert [one.rtcp.getsockname()[1] for one in taken] == [BASE + 3, BASE + 5, BASE + 7]
    with pytest.raises(PortsUsedUp, match="3 of 3"):
        ports.take()
    for one in taken:
        one.release()
    assert ports.in_use == 0


def test_a_pair_rests_after_its_call_and_comes_back_once_however_often_it_is_released() -> None:
    time = Time()
    ports = Ports(HOST, BASE + 10, BASE + 11, reuse_after_seconds=5.0, now=time)
    one = ports.take()
    one.release()
    one.release()
    with pytest.raises(PortsUsedUp):
        ports.take()
    time.now += 5.0
    again = ports.take()
    assert again.port == one.port
    one.release()
    assert ports.in_use == 1, "it is somebody else's now"
    with pytest.raises(PortsUsedUp):
        ports.take()
    again.release()


@pytest.mark.parametrize("offset", [0, 1])
def test_what_somebody_else_has_bound_is_passed_over_and_nothing_stays_open(offset: int) -> None:
    ports = Ports(HOST, BASE + 20, BASE + 23)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, BASE + 20 + offset))
        pair = ports.take()
        assert pair.port == BASE + 22
        with pytest.raises(PortsUsedUp):
            ports.take()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as now_free:
        now_free.bind((HOST, BASE + 20 + 1 - offset))
    pair.release()


def test_a_host_that_is_not_ours_is_said_at_once_and_no_port_is_lost() -> None:
    ports = Ports("192.0.2.1", BASE + 20, BASE + 23)
    for _ in range(3):
        with pytest.raises(OSError, match="assign"):
            ports.take()
    assert ports.in_use == 0


@pytest.mark.parametrize(
    "listed", ["", "20000", "20001-20001", "20001-20002", "1-2", "a-b", "30000-20000", "1024-70000"]
)
def test_ranges_without_a_pair_are_refused(listed: str) -> None:
    with pytest.raises(ValueError, match="ports"):
        read_range(listed)


def test_a_range_is_read() -> None:
    assert read_range("20000-20999") == (20_000, 20_999)
    assert read_range("20001-20003") == (20_001, 20_003)
