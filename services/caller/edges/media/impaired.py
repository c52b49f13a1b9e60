"""One direction of a line that is bad on purpose: who is lost, and how much later the others come."""

import random
from heapq import heappop, heappush

from services.caller.domain.impairments import Impairments, OneWay
from services.caller.edges.media.wire import Datagram

# Of delays that are equally likely from 0 to w, two differ by w / 3 in the mean: that is the jitter of RFC 3550.
UNIFORM_WIDTH_OF_JITTER = 3.0


class BadLine:
    """The fate of one packet after the other: Gilbert and Elliott's two states, all lost in the bad one."""

    def __init__(self, impairments: Impairments, direction: OneWay) -> None:
        self._impairments = impairments
        # Not hash(): it differs between processes. Both directions have fates of their own.
        self._random = random.Random(f"{impairments.seed} {direction}")  # noqa: S311
        self._is_cut = impairments.one_way is not None and impairments.one_way != direction
        lost = impairments.loss_percent / 100
        # Losses that don't know of each other come in bursts as well, by chance.
        burst = max(impairments.burst_packets, 1 / (1 - lost)) if lost < 1 else 1.0
        self._recovers = 1 / burst if lost < 1 else 0.0
        self._fails = lost / (burst * (1 - lost)) if lost < 1 else 1.0
        self._is_bad = self._random.random() < lost

    def delay_ms(self) -> float | None:
        """Return how much later the next packet comes, None if it is lost."""
        # Both are drawn for each packet, so that a loss shifts nobody else's fate.
        turn, late = self._random.random(), self._random.random()
        is_lost = self._is_bad or self._is_cut
        self._is_bad = turn >= self._recovers if self._is_bad else turn < self._fails
        if is_lost:
            return None
        return self._impairments.delay_ms + late * UNIFORM_WIDTH_OF_JITTER * self._impairments.jitter_ms


class BadArrivals:
    """Keeps what has come until it would have come."""

    def __init__(self, line: BadLine) -> None:
        self._line = line
        self._on_its_way: list[tuple[float, int, Datagram]] = []
        self._count = 0

    def send(self, datagram: Datagram) -> None:
        """Let a datagram set out."""
        delay_ms = self._line.delay_ms()
        if delay_ms is not None:
            self._count += 1
            at = datagram.at + delay_ms / 1_000
            heappush(self._on_its_way, (at, self._count, datagram._replace(at=at)))

    def arrived(self, now: float) -> list[Datagram]:
        """Return what has arrived by now, in order of arrival."""
        come = []
        while self._on_its_way and self._on_its_way[0][0] <= now:
            come.append(heappop(self._on_its_way)[2])
        return come


def impairs_packets(impairments: Impairments) -> bool:
    """Say whether packets are touched at all: noise alone does not."""
    return bool(
        impairments.loss_percent or impairments.jitter_ms or impairments.delay_ms or impairments.one_way is not None
    )
