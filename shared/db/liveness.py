"""Connections that end when one of their two ends is gone: a host without power, a cut cable, a frozen process.

Locks live as long as their session does. Without limits that is until TCP gives up: 2 h for a silent host.
"""

import socket
from typing import Any

import asyncpg

KEEPALIVE_IDLE_SECONDS = 5
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_COUNT = 3
UNACKNOWLEDGED_SECONDS = 20  # also of a peer whose host is alive and who reads nothing
STATEMENT_SECONDS = 20
ANSWER_SECONDS = 25  # of the client: PostgreSQL has ended the statement by then, so nobody is there
IDLE_TRANSACTION_SECONDS = 10  # what it has locked others wait for


def server_settings(schema: str, application_name: str) -> dict[str, str]:
    """Return what a session asks of PostgreSQL for itself."""
    return {
        "search_path": schema,
        "application_name": application_name,
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
        "tcp_keepalives_idle": str(KEEPALIVE_IDLE_SECONDS),
        "tcp_keepalives_interval": str(KEEPALIVE_INTERVAL_SECONDS),
        "tcp_keepalives_count": str(KEEPALIVE_COUNT),
        "tcp_user_timeout": str(UNACKNOWLEDGED_SECONDS * 1_000),
        "jit": "off",  # the statements are short and many: compiling one costs more than running it
        "timezone": "UTC",
    }


class LiveConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that asks now and then whether the server's host is still there."""

    def __init__(self, protocol: Any, transport: Any, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        end = transport.get_extra_info("socket")
        if end is not None and end.family in (socket.AF_INET, socket.AF_INET6):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
                ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
                ("TCP_KEEPCNT", KEEPALIVE_COUNT),
                ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1_000),
            ):
                if hasattr(socket, option):  # not everywhere
                    end.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
