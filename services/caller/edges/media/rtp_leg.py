"""One end of a call's sound over RTP, driven by the clock alone: no task, nothing that waits.

Only what is delayed on purpose has timers: its packets leave between the ticks.
"""

import time
from collections.abc import Callable

from services.caller.domain.impairments import Impairments
from services.caller.domain.media import FRAME_MS, SILENCE, LegEnd, LegStats
from services.caller.edges.media.delay import HeardLate
from services.caller.edges.media.impaired import BadArrivals, BadLine, impairs_packets
from services.caller.edges.media.inbound import Inbound
from services.caller.edges.media.outbound import Outbound
from services.caller.edges.media.ports import MediaPort
from services.caller.edges.media.reports import Reports
from services.caller.edges.media.rtp_peer import RtpPeer
from services.caller.edges.media.wire import Address, read_all
from services.caller.metrics import MEDIA_PACKETS_REFUSED

# Nothing at all came for so long, though nobody holds the call: who is there has gone without a word.
SILENT_LINE_SECONDS = 20.0
_TICKS_PER_SECOND = 1_000 // FRAME_MS
REPORT_EVERY_TICKS = 5 * _TICKS_PER_SECOND
HEAR_REPORTS_EVERY_TICKS = _TICKS_PER_SECOND // 2


class RtpLeg:
    """A `MediaLeg`. What doesn't come from the negotiated address and port is counted, and goes no further.

    `skipped`: the clock's; frames that were left out are left out on both sides, so that the delay stays what it was.
    """

    def __init__(
        self,
        port: MediaPort,
        peer: RtpPeer,
        *,
        skipped: Callable[[], int] = lambda: 0,
        silent_line_seconds: float = SILENT_LINE_SECONDS,
        impairments: Impairments | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        bad = impairments is not None and impairs_packets(impairments)
        self._late = BadArrivals(BadLine(impairments, "from_agent")) if impairments and bad else None
        bad_line = BadLine(impairments, "to_agent") if impairments and bad else None
        self._port = port
        self._peer = peer
        self._now = now
        self._clock_skipped = skipped
        self._skipped = skipped()
        self._silent_ticks_limit = silent_line_seconds * _TICKS_PER_SECOND
        self._inbound = Inbound(peer)
        self._outbound = Outbound(port.rtp, peer, bad_line)
        self._reports = Reports(self._outbound.ssrc, self._inbound.reception)
        self._ended: LegEnd | None = None
        self._ticks = self._silent_ticks = 0

    @property
    def ended(self) -> LegEnd | None:
        """Why nothing comes any more; None while it lasts."""
        return self._ended

    def end(self, why: LegEnd) -> None:
        """Let it be over: signalling knows first that the far end hung up. The first reason stays."""
        self._ended = self._ended or why

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame, return the one that is due."""
        if self._ended:
            return SILENCE
        self._ticks += 1
        if skipped := self._clock_skipped() - self._skipped:
            self._skipped += skipped
            self._outbound.skip(skipped)
            self._inbound.playout.skip(skipped)
        self._outbound.send(frame)
        try:
            self._receive()
        except OSError:
            self.end("broken")
        if self._outbound.is_broken:
            self.end("broken")
        heard = self._inbound.playout.read()
        return SILENCE if self._peer.held else heard

    def _receive(self) -> None:
        now, came = self._now(), False
        self._inbound.ticks = self._ticks - 1
        for datagram in read_all(self._port.rtp):
            if datagram.source != self._peer.remote:
                MEDIA_PACKETS_REFUSED.labels("stranger").inc()
            elif self._ticks == 1 and now - datagram.at > FRAME_MS / 1_000:
                came = True  # from before we listened: it would be heard late for the whole call
            elif self._late is not None:
                self._late.send(datagram)
                came = True  # that it is impaired is our doing: the line is not silent
            elif self._inbound.take(datagram, now):
                came = True
        for datagram in self._late.arrived(now) if self._late is not None else ():
            self._inbound.take(datagram, now)
        if self._ticks % HEAR_REPORTS_EVERY_TICKS == 0:
            came |= self._hear_reports()
        if self._ticks % REPORT_EVERY_TICKS == 0:
            self._send_report(self._outbound.report(self._reports))
        self._silent_ticks = 0 if came or self._peer.held else self._silent_ticks + 1
        if self._silent_ticks >= self._silent_ticks_limit:
            self.end("silent_line")

    def _hear_reports(self) -> bool:
        came = False
        for datagram in read_all(self._port.rtcp):
            if datagram.source == self._peer.reports and datagram.whole:
                came |= self._reports.hear(datagram.content)
        return came

    def _send_report(self, content: bytes) -> None:
        try:
            self._port.rtcp.sendto(content, self._peer.reports)
        except OSError:
            MEDIA_PACKETS_REFUSED.labels("report_unsent").inc()  # a call is good without them

    def retarget(self, peer: RtpPeer) -> None:
        """Go on with what a re-INVITE agreed on: another address or codec, held or not."""
        self._peer = peer
        self._inbound.retarget(peer)
        self._outbound.retarget(peer)
        self._silent_ticks = 0

    @property
    def held(self) -> bool:
        """Say whether the call is held."""
        return self._peer.held

    def interrupt(self) -> None:
        """Nothing: what was given to the network is played."""

    def send_digits(self, digits: str) -> None:
        """Send DTMF beside what is said, as events, or as tones where no events were agreed on."""
        self._outbound.digits.add(digits)

    def heard_digits(self) -> str:
        """Return the DTMF that came since the last time."""
        return self._inbound.digits.heard()

    def stats(self) -> LegStats:
        """Tell what came in until now."""
        reception, playout = self._inbound.reception, self._inbound.playout
        return LegStats(reception.received, reception.lost, playout.concealed_ms, reception.jitter_ms)

    def heard_late(self) -> HeardLate:
        """Return how long sound waits here before it is heard."""
        return self._inbound.delay.heard_late()

    @property
    def remote(self) -> Address:
        """Return the negotiated address."""
        return self._peer.remote

    def close(self) -> None:
        """Say goodbye, and give the port back. *Idempotent.*"""
        if not self._port.is_released:
            self._send_report(self._reports.goodbye())
        self._port.release()
        self.end("far_end")
