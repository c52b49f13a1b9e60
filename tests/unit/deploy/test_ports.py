"""A taken port is named at once, with its setting and its owner."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.ports import LOWEST_PORT, PortTaken, free_port, require_free


def test_a_taken_port_is_named_with_its_setting_and_its_owner() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            require_free(port, "REHEARSAL_API_PORT")
    assert str(port) in str(refused.value)
    assert "REHEARSAL_API_PORT=" in str(refused.value)
    assert "process" in str(refused.value), "this very process has it"


def test_a_free_port_is_free() -> None:
    require_free(free_port(), "REHEARSAL_API_PORT")


def test_a_free_port_is_none_that_the_kernel_gives_to_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < first for _ in range(50))


def test_no_two_processes_that_ask_get_the_same_port_while_they_live() -> None:
    asks = "from deploy.local import ports; "
    asks += f"ports._first_of_outgoing = lambda: {LOWEST_PORT + 200}; "
    asks += "print(*[ports.free_port() for _ in range(20)], flush=True); input()"
    asking = [
        subprocess.Popen([sys.executable, "-c", asks], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        given = [int(port) for one in asking if one.stdout for port in one.stdout.readline().split()]
    finally:
        for one in asking:
            one.communicate("\n", timeout=20)
    assert len(given) == 80
    assert len(set(given)) == 80
