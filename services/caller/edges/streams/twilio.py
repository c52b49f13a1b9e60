"""A call to an agent that expects a carrier's media stream: we are the carrier, and dial the agent's WebSocket."""

import time
from collections import deque
from typing import Self
from uuid import uuid4

from services.caller.domain.media import FRAME_MS, LegEnd, LegStats
from services.caller.edges.media.delay import HeardLate
from services.caller.edges.streams.endpoint import StreamEndpoint
from services.caller.edges.streams.playout import Playout
from services.caller.edges.streams.reaching import HANDSHAKE_LIMIT_SECONDS, Streams
from services.caller.edges.streams.sound import MULAW, samples, sound_in, text_in
from services.caller.edges.streams.twilio_messages import CarrierMessages
from services.caller.edges.streams.wire import Message, Wire

MAX_MARK_CHARS = 256
MAX_DIGITS = 100  # that wait to be sent
DIGIT_EVERY_TICKS = 10  # as fast as a quick hand
DIGITS = frozenset("0123456789*#ABCD")


class TwilioLeg:
    """A `MediaLeg`. Sound that came before the agent hung up in order is played to its end: it was said.

    `set_up_ms`: from dialling to the agent having taken the call.
    """

    def __init__(self, wire: Wire, messages: CarrierMessages, stream_sid: str, set_up_ms: int) -> None:
        self._wire = wire
        self._messages = messages
        self._stream_sid = stream_sid
        self._playout = Playout()
        self._digits: deque[str] = deque()
        self._ticks = 0
        self._received = 0
        self.set_up_ms = set_up_ms

    @classmethod
    async def open(cls, endpoint: StreamEndpoint, streams: Streams, call_id: int) -> Self:
        """Call an agent. Raises NotOpened. `call_id` stands in the callSid, by which an agent can find its call."""
        began = time.monotonic()
        wire = await streams.open(endpoint.url, endpoint.org_id, endpoint.headers)
        try:
            stream_sid = f"MZ{uuid4().hex}"
            account_sid, call_sid = f"AC{endpoint.org_id:032x}", f"CA{call_id:032x}"
            messages = CarrierMessages(stream_sid=stream_sid, call_sid=call_sid, account_sid=account_sid)
            leg = cls(wire, messages, stream_sid, 0)
            wire.listen(leg._hear)
            wire.send(messages.connected())
            wire.send(messages.start(endpoint.parameters))
            await wire.taken(HANDSHAKE_LIMIT_SECONDS)
        except BaseException:
            await wire.close()
            raise
        leg.set_up_ms = round((time.monotonic() - began) * 1_000)
        return leg

    @property
    def ended(self) -> LegEnd | None:
        """Why nothing comes any more."""
        return None if self._wire.ended == "far_end" and self._playout else self._wire.ended

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame, and play one."""
        self._wire.send(self._messages.media(MULAW.encode(frame), self._ticks * FRAME_MS))
        if self._digits and self._ticks % DIGIT_EVERY_TICKS == 0:
            self._wire.send(self._messages.digit(self._digits.popleft()))
        self._ticks += 1
        played = self._playout.tick()
        for name in played.marks:
            self._wire.send(self._messages.mark(name))
        return samples(played)

    def interrupt(self) -> None:
        """Do nothing: what a caller says into a telephone is gone."""

    def send_digits(self, digits: str) -> None:
        """Press keys, one after the other. Raises ValueError for what is no key, or too many."""
        if not DIGITS.issuperset(digits) or len(self._digits) + len(digits) > MAX_DIGITS:
            raise ValueError(f"not sent: keys are 0-9, *, # and A-D, and at most {MAX_DIGITS} of them wait")
        self._digits.extend(digits)

    def heard_digits(self) -> str:
        """Return "": the protocol has no keys of the agent's."""
        return ""

    def stats(self) -> LegStats:
        """Tell what came in. `concealed_ms`: gaps within what the agent said, where it sent too late."""
        return LegStats(received=self._received, concealed_ms=self._playout.concealed_ms)

    def heard_late(self) -> HeardLate:
        """Return how long sound waits here before it is heard."""
        return self._playout.heard_late()

    async def hang_up(self) -> None:
        """Say that the call is over, and close. Idempotent."""
        self._wire.send(self._messages.stop())
        await self._wire.close()

    def _hear(self, message: Message) -> None:
        faults = self._wire.faults
        if message.get("streamSid", self._stream_sid) != self._stream_sid:
            faults.note("other_stream")
            return
        match message.get("event"):
            case "media":
                self._hear_sound(text_in(message.get("media"), "payload"))
            case "mark":
                name = text_in(message.get("mark"), "name")
                if name is None or len(name) > MAX_MARK_CHARS:
                    faults.note("wrong_shape")
                elif not self._playout.mark(name):
                    faults.note("marks_cut")
            case "clear":
                for name in self._playout.clear():
                    self._wire.send(self._messages.mark(name))
            case _:
                faults.note("unknown_event")

    def _hear_sound(self, payload: str | None) -> None:
        sound = sound_in(payload, self._wire.faults)
        if sound is None:
            return
        self._received += 1
        if not self._playout.put(sound):
            self._wire.faults.note("sound_cut")
