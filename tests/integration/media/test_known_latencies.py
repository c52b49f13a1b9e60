"""An agent whose answer delay is known is measured right, on a clock and a network stack that really run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from services.caller.domain.impairments import Impairments
from services.caller.domain.media import FRAME_MS, SILENCE
from services.caller.edges.media.calibration import UNKNOWN_OFFSET, calibrate
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.measuring import Lateness, Measuring
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer
from tests.integration.media.answering_machine import AnsweringMachine
from tests.support.waiting import eventually
from tests.unit.caller.media.pair import HOST, RANGE, joined
from tests.unit.caller.media.voices import frames, line

DELAYS_MS = (300, 800, 1_500)
SAID = line(8_000, (503, 1_107), (2_500, 3_111), (5_009, 5_600))
RIGHT_WITHIN_MS = 20.0
BUSY_MACHINE_MS = 20.0  # by which a shared machine may hold up the far end's thread, unseen


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    """A clock that runs."""
    clock = Clock()
    running = asyncio.create_task(clock.keep_time())
    yield clock
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


class Caller:
    """Says its lines, and measures."""

    def __init__(self, leg: RtpLeg, skipped: Callable[[], int]) -> None:
        self.leg = leg
        self.measuring = Measuring(skipped=skipped)
        self.lines = frames(SAID)

    def tick(self, late_ms: float) -> None:
        if self.lines:
            said = self.lines.pop(0)
            self.measuring.add(said, self.leg.exchange(said))


async def test_known_answer_delays_are_measured_within_their_uncertainty(clock: Clock) -> None:
    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    offset = await calibrate(clock, ports)
    assert offset != UNKNOWN_OFFSET
    port = ports.take()
    with AnsweringMachine((HOST, port.port), DELAYS_MS).running() as machine:
        skipped = clock.skipped()
        caller = Caller(RtpLeg(port, RtpPeer(machine.address), skipped=clock.skipped), clock.skipped)
        clock.add(caller)
        await eventually(lambda: _has_said_all(caller), within_seconds=60, what="the whole call")
        clock.remove(caller)
        late = Lateness(caller.leg.heard_late(), offset, clock.skipped() - skipped)
        caller.leg.close()
    measures = caller.measuring.measures(late)
    assert measures.latency_uncertainty_ms is not None
    within_ms = max(RIGHT_WITHIN_MS, measures.latency_uncertainty_ms)
    assert [one.latency_ms for one in measures.agent_latencies] == [
        pytest.approx(really_ms, abs=within_ms) for really_ms in machine.really_ms
    ]
    assert machine.really_ms == [pytest.approx(delay_ms, abs=BUSY_MACHINE_MS) for delay_ms in DELAYS_MS]
    assert measures.interruptions_by_agent == 0
    assert ports.in_use == 0


async def _has_said_all(caller: Caller) -> bool:
    return not caller.lines


async def test_a_worker_hears_its_own_pulses_where_its_legs_say_it_does(clock: Clock) -> None:
    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    offset = await calibrate(clock, ports)
    assert abs(offset.ms) < FRAME_MS
    assert offset.spread_ms < FRAME_MS
    assert ports.in_use == 0


async def test_a_worker_that_cannot_measure_itself_says_so_and_keeps_no_port() -> None:
    class Stopped:
        def add(self, ticking: object) -> None: ...
        def remove(self, ticking: object) -> None: ...
        def skipped(self) -> int:
            return 0

    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    offset = await calibrate(Stopped(), ports, limit_seconds=0.01)
    assert offset == UNKNOWN_OFFSET
    assert ports.in_use == 0


async def test_a_line_that_is_bad_on_purpose_is_so_at_the_far_end(clock: Clock) -> None:
    ports = Ports(HOST, *RANGE, reuse_after_seconds=0.0)
    jitter_ms, loss_percent = 12.0, 10.0
    bad = Impairments(6, loss_percent=loss_percent, jitter_ms=jitter_ms)
    with joined(ports=ports) as (well, well_heard), joined(ports=ports, receives=bad) as (far, ours):
        for leg in (well, well_heard, far, ours):
            clock.add(Silent(leg))
        await eventually(lambda: _has_heard(far, 270), within_seconds=60, what="300 packets less a tenth")
        measured, alone = far.stats(), well_heard.stats()
        for leg in (well, well_heard, far, ours):
            leg.end("far_end")
    assert measured.jitter_ms is not None
    assert alone.jitter_ms is not None
    share = measured.lost / (measured.lost + measured.received)
    assert 100 * share == pytest.approx(loss_percent, abs=5)
    assert jitter_ms * 0.7 < measured.jitter_ms < jitter_ms * 1.3 + 2 * alone.jitter_ms, "what is ours comes on top"
    assert alone.lost == 0


class Silent:
    """An end that says nothing."""

    def __init__(self, leg: RtpLeg) -> None:
        self._leg = leg

    def tick(self, late_ms: float) -> None:
        self._leg.exchange(SILENCE)


async def _has_heard(leg: RtpLeg, packets: int) -> bool:
    return leg.stats().received >= packets
