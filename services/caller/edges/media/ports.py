"""The media ports of a process: a bounded range of pairs, RTP on the even one and RTCP on the odd one above it."""

import errno
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack

from services.caller.edges.media.wire import open_socket
from services.caller.metrics import MEDIA_PORTS_IN_USE, MEDIA_PORTS_USED_UP

# What still comes to a port after its call must not reach the next one.
REUSE_AFTER_SECONDS = 5.0


class PortsUsedUp(Exception):  # noqa: N818
    """No pair of the range is free now. The call was not placed; it may be tried again."""


class MediaPort:
    """A pair of bound sockets. Whoever took it releases it."""

    def __init__(self, host: str, rtp: socket.socket, rtcp: socket.socket, give_back: Callable[[int], None]) -> None:
        self.host = host
        self.port: int = rtp.getsockname()[1]
        self.rtp = rtp
        self.rtcp = rtcp
        self._give_back = give_back
        self.is_released = False

    def release(self) -> None:
        """Close the sockets and give the pair back. *Idempotent.*"""
        if self.is_released:
            return
        self.is_released = True
        self.rtp.close()
        self.rtcp.close()
        self._give_back(self.port)


class Ports:
    """Pairs are taken in turn, the one that rested longest first, and rest a while after their release."""

    def __init__(
        self,
        host: str,
        first: int,
        last: int,
        *,
        reuse_after_seconds: float = REUSE_AFTER_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._reuse_after_seconds = reuse_after_seconds
        self._now = now
        self._free: deque[tuple[float, int]] = deque((0.0, port) for port in range(first + first % 2, last, 2))
        self._taken: set[int] = set()

    @property
    def in_use(self) -> int:
        """Return how many pairs calls hold now."""
        return len(self._taken)

    def take(self) -> MediaPort:
        """Return a bound pair. One that somebody else has bound is passed over. Raises PortsUsedUp, OSError."""
        now = self._now()
        for _ in range(len(self._free)):
            free_at, port = self._free[0]
            if free_at > now:
                break  # those behind it were released later
            self._free.popleft()
            try:
                pair = self._bind(port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    self._free.appendleft((free_at, port))
                    raise  # no file is left, or the host is not ours: another port would not help
                self._free.append((now + self._reuse_after_seconds, port))
                continue
            self._taken.add(port)
            MEDIA_PORTS_IN_USE.inc()
            return pair
        MEDIA_PORTS_USED_UP.inc()
        raise PortsUsedUp(
            f"all media ports are in use ({len(self._taken)} of {len(self._taken) + len(self._free)} pairs)"
        )

    def _bind(self, port: int) -> MediaPort:
        with ExitStack() as opened:
            rtp = opened.enter_context(open_socket(self._host, port))
            rtcp = opened.enter_context(open_socket(self._host, port + 1))
            opened.pop_all()
        return MediaPort(self._host, rtp, rtcp, self._give_back)

    def _give_back(self, port: int) -> None:
        self._taken.discard(port)
        self._free.append((self._now() + self._reuse_after_seconds, port))
        MEDIA_PORTS_IN_USE.dec()
