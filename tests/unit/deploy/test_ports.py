"""A taken port is named at once, with its setting and its owner."""

import socket

import pytest

from deploy.local.ports import PortTaken, free_port, require_free


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
