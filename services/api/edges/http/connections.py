"""The API's connections: how many, and which wait for their client. Newcomers are served, the longest idle go."""

from dataclasses import dataclass
from typing import Protocol

from services.api import metrics


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may send, or leave unsent or unread, before anybody knows who it is."""

    connections: int = 5_000
    head_bytes: int = 32_768  # and what one read of the socket brings with it
    headers: int = 100
    message_bytes: int = 8_388_608  # a whole request with all its framing; the guard bounds the body itself
    pipelined_requests: int = 16
    head_seconds: float = 10.0
    idle_seconds: float = 30.0
    stalled_seconds: float = 30.0  # without a byte taken of what was answered
    linger_seconds: float = 2.0  # for reading an answer that came before the request was sent to its end
    linger_bytes: int = 2_097_152


class Waiting(Protocol):
    """A connection, as far as it waits for its client."""

    def hopeless(self, now: float) -> str | None:
        """Return why it has waited too long, if it has."""

    def give_up(self, reason: str) -> None:
        """Close it at once."""


class Connections:
    """Knows who waits for a client (for a request, or for its answer to be read), longest first.

    A connection for which the API works waits for nobody. So whoever only opens connections loses the oldest of them
    to the next newcomer, and cannot keep anybody out.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting: dict[Waiting, None] = {}

    def waits(self, one: Waiting) -> None:
        """It waits from now on."""
        self._waiting.pop(one, None)
        self._waiting[one] = None

    def works(self, one: Waiting) -> None:
        """It waits no more, or is gone."""
        self._waiting.pop(one, None)

    def make_room(self, connections: int) -> None:
        """Close the one that has waited longest if there are too many."""
        if connections > self.limits.connections and self._waiting:
            self._close(next(iter(self._waiting)), "evicted")

    def close_hopeless(self, now: float) -> None:
        """Close those that have waited too long."""
        for one in tuple(self._waiting):
            if reason := one.hopeless(now):
                self._close(one, reason)

    def _close(self, one: Waiting, reason: str) -> None:
        self._waiting.pop(one, None)
        metrics.HTTP_CONNECTIONS_CLOSED.labels(reason).inc()
        one.give_up(reason)
