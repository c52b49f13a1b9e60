"""Answered calls, whatever they are made over: where their sound goes, and how they are ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.caller.domain.call_clock import SLICE_SECONDS, CallClock
from services.caller.domain.impairments import Impairments
from services.caller.domain.media import LegEnd, LegStats, MediaLeg
from services.caller.edges.media.delay import NOT_LATE, HeardLate
from services.caller.edges.media.ports import MediaPort
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.media.rtp_peer import RtpPeer
from services.caller.edges.sip.agent import EndedBy, SipCall

T = TypeVar("T")
WAYS_TO_END: dict[EndedBy, LegEnd] = {
    "us": "far_end",
    "far_end": "far_end",
    "session_timer": "silent_line",
    "lost": "broken",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """One end of an answered call. `hang_up` ends it, gives back what it held, never raises, and may come twice."""

    leg: MediaLeg
    hang_up: Callable[[], Awaitable[None]]
    set_up_ms: int
    ring_ms: int | None = None
    sip_call_id: str = ""
    heard_late: Callable[[], HeardLate] = lambda: NOT_LATE


class SipLeg:
    """A call over SIP whose sound is RTP: signalling says when it is over, held, or sent elsewhere."""

    def __init__(self, call: SipCall, rtp: RtpLeg) -> None:
        self._call = call
        self._rtp = rtp
        call.on_media(self._follow)

    def _follow(self) -> None:
        self._rtp.retarget(peer_of(self._call))

    @property
    def ended(self) -> LegEnd | None:
        if self._call.ended.done() and not self._call.ended.cancelled():
            return WAYS_TO_END[self._call.ended.result().by]
        return self._rtp.ended

    def exchange(self, frame: bytes) -> bytes:
        return self._rtp.exchange(frame)

    def interrupt(self) -> None:
        self._rtp.interrupt()

    def send_digits(self, digits: str) -> None:
        self._rtp.send_digits(digits)

    def heard_digits(self) -> str:
        return self._rtp.heard_digits()

    def stats(self) -> LegStats:
        return self._rtp.stats()


def peer_of(call: SipCall) -> RtpPeer:
    """Return what a call's two ends agreed on."""
    media = call.media
    return RtpPeer((media.host, media.port), media.payload_type, media.dtmf_payload_type, held=call.held)


def over_sip(
    call: SipCall, port: MediaPort, skipped: Callable[[], int], impairments: Impairments | None = None
) -> Answered:
    """Return the end of an answered call over SIP, with sound through this port."""
    rtp = RtpLeg(port, peer_of(call), skipped=skipped, impairments=impairments)

    async def hang_up() -> None:
        rtp.close()
        await call.hang_up()

    return Answered(SipLeg(call, rtp), hang_up, call.setup_ms, call.ring_ms, call.call_id, rtp.heard_late)


async def watched(asked: Awaitable[T], clock: CallClock) -> T:
    """Wait for it while the lease holds. Raises LeaseLost; then it is given up."""
    task = asyncio.ensure_future(asked)
    try:
        while not task.done():
            clock.check()
            await asyncio.wait({task}, timeout=SLICE_SECONDS)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
