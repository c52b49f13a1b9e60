"""A call to an agent that is a model behind a Realtime API."""

import asyncio
import time
from collections import deque
from typing import Self

from services.caller.domain.media import FRAME_MS, LegEnd, LegStats, Spoken
from services.caller.domain.turn import Ending, ToolUse
from services.caller.edges.media.delay import HeardLate
from services.caller.edges.parties.chat.calls import call_of, ending_of, uses_of
from services.caller.edges.streams import realtime_messages as messages
from services.caller.edges.streams.failures import CLOSED_AT_ONCE, CODES, NotOpened, late, session_refused
from services.caller.edges.streams.playout import Playout
from services.caller.edges.streams.reaching import HANDSHAKE_LIMIT_SECONDS, Streams
from services.caller.edges.streams.realtime_address import RealtimeEndpoint, realtime_headers, realtime_url
from services.caller.edges.streams.realtime_items import Items
from services.caller.edges.streams.sound import MULAW, samples, sound_in, text_in
from services.caller.edges.streams.wire import Message, Wire

MAX_ID_CHARS = 256
MAX_TOOLS_OF_CALL = 100
# How long an agent that hangs up by its tool may still take to say goodbye.
GOODBYE_LIMIT_MS = 5_000


class RealtimeLeg:
    """A `MediaLeg` that is `Telling`.

    `set_up_ms`: from dialling to the session being as we asked.
    """

    def __init__(self, wire: Wire, endpoint: RealtimeEndpoint) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._agreed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked = 0
        self._playout = Playout()
        self._items = Items()
        self._tools: deque[ToolUse] = deque(maxlen=MAX_TOOLS_OF_CALL)
        self._answered = 0
        self._responding = False
        self._goes_on = False
        self._ticks = 0
        self._ending_tick = 0
        self._received = 0
        self._ending: Ending = "none"
        self.set_up_ms = 0

    @classmethod
    async def open(cls, endpoint: RealtimeEndpoint, streams: Streams, *, greets: bool) -> Self:
        """Call an agent. Raises NotOpened. `greets`: the agent speaks first, as who answers does."""
        began = time.monotonic()
        wire = await streams.open(realtime_url(endpoint), endpoint.org_id, realtime_headers(endpoint))
        try:
            leg = cls(wire, endpoint)
            wire.listen(leg._hear, lambda: leg._refuse(NotOpened("hung_up", CLOSED_AT_ONCE)))
            await leg._agree()
        except BaseException:
            await wire.close()
            raise
        leg.set_up_ms = round((time.monotonic() - began) * 1_000)
        if greets:
            for message in messages.greet():
                wire.send(message)
        return leg

    @property
    def ended(self) -> LegEnd | None:
        """Why nothing comes any more."""
        if self._wire.ended == "broken":
            return "broken"
        if self._playout:
            return None
        waited_ms = (self._ticks - self._ending_tick) * FRAME_MS
        if self._ending != "none" and not (self._responding and waited_ms < GOODBYE_LIMIT_MS):
            return "far_end"
        return self._wire.ended

    @property
    def ending(self) -> Ending:
        """How the agent ends the call by a tool."""
        return self._ending

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame, and play one."""
        self._wire.send(messages.append(MULAW.encode(frame)))
        played = self._playout.tick()
        self._items.played(self._playout.played_bytes, self._ticks)
        self._ticks += 1
        return samples(played)

    def interrupt(self) -> None:
        """Do nothing: what the agent keeps of ours is what it has heard. When we talk over it, it notices by itself."""

    def send_digits(self, digits: str) -> None:
        """Raise ValueError: there are no keys in this protocol."""
        raise ValueError("not sent: an agent behind a Realtime API has no telephone keys")

    def heard_digits(self) -> str:
        """Return "": there are no keys in this protocol."""
        return ""

    def stats(self) -> LegStats:
        """Tell what came in."""
        return LegStats(received=self._received, concealed_ms=self._playout.concealed_ms)

    def spoken(self) -> tuple[Spoken, ...]:
        """Return what was said since the last time."""
        return self._items.take()

    def tools(self) -> tuple[ToolUse, ...]:
        """Return the tools that were used since the last time."""
        taken = tuple(self._tools)
        self._tools.clear()
        return taken

    def heard_late(self) -> HeardLate:
        """Return how long sound waits here before it is heard."""
        return self._playout.heard_late()

    async def hang_up(self) -> None:
        """Close. Idempotent."""
        await self._wire.close()

    async def _agree(self) -> None:
        """Ask for the session as we need it. Raises NotOpened."""
        self._ask(messages.session_update(self._endpoint))
        try:
            async with asyncio.timeout(HANDSHAKE_LIMIT_SECONDS):
                await self._agreed
        except TimeoutError:
            raise late(HANDSHAKE_LIMIT_SECONDS) from None

    def _ask(self, session: bytes) -> None:
        self._asked += 1
        self._wire.send(session)

    def _refuse(self, why: NotOpened) -> None:
        if not self._agreed.done():
            self._agreed.set_exception(why)

    def _hear(self, message: Message) -> None:
        match message.get("type"):
            case "session.updated":
                if not self._agreed.done():
                    self._agreed.set_result(None)
            case "error":
                self._hear_error(text_in(message.get("error"), "code") or "")
            case "response.output_audio.delta" | "response.audio.delta":
                self._hear_sound(message)
            case "response.output_audio_transcript.delta" | "response.audio_transcript.delta":
                self._hear_words(message, "delta")
            case "response.output_audio_transcript.done" | "response.audio_transcript.done":
                self._hear_words(message, "transcript")
            case "response.created":
                self._responding = True
            case "response.output_item.done":
                self._hear_item(message.get("item"))
            case "response.done":
                self._hear_end(message.get("response"))
            case "input_audio_buffer.speech_started":
                self._stop_playing()
            case str():  # there are many more, and new ones come
                pass
            case _:
                self._wire.faults.note("wrong_shape")

    def _hear_error(self, code: str) -> None:
        if self._agreed.done():
            self._wire.faults.note("refused_event")
        elif self._asked == 1 and code not in CODES:
            self._ask(messages.older_session_update(self._endpoint))
        else:
            self._refuse(session_refused(code))

    def _hear_sound(self, message: Message) -> None:
        item_id = self._item_of(message)
        sound = sound_in(text_in(message, "delta"), self._wire.faults)
        if item_id is None or sound is None:
            return
        self._received += 1
        began = self._playout.put_bytes
        if not self._playout.put(sound):
            self._wire.faults.note("sound_cut")
        self._items.add_sound(item_id, began, self._playout.put_bytes - began)

    def _hear_words(self, message: Message, name: str) -> None:
        item_id, words = self._item_of(message), text_in(message, name)
        if item_id is None or words is None:
            return
        hear = self._items.add_words if name == "delta" else self._items.set_text
        hear(item_id, self._playout.put_bytes, words)

    def _hear_item(self, item: object) -> None:
        if text_in(item, "type") != "function_call":
            return
        call = call_of(text_in(item, "name"), text_in(item, "arguments"))
        call_id = text_in(item, "call_id")
        if call is None or call_id is None or len(call_id) > MAX_ID_CHARS:
            self._wire.faults.note("wrong_shape")
            return
        if self._answered >= MAX_TOOLS_OF_CALL:
            self._wire.faults.note("tools_cut")
            return
        self._answered += 1
        (use,) = uses_of((call,), "agent")
        self._tools.append(use)
        self._wire.send(messages.tool_answer(call_id, use.response))
        ending = ending_of((call,), "agent")
        self._goes_on = ending == "none"
        if ending != "none":
            self._ending, self._ending_tick = ending, self._ticks

    def _hear_end(self, response: object) -> None:
        self._responding = False
        self._items.complete()
        if text_in(response, "status") == "failed":
            self._wire.faults.note("failed_response")
        if self._goes_on and self._ending == "none":
            self._goes_on = False
            self._wire.send(messages.go_on())

    def _stop_playing(self) -> None:
        """Drop what is not played: we talk over it, and a telephone would be silent now."""
        unheard = bool(self._playout) or self._responding
        heard = self._items.cut(self._playout.played_bytes, self._ticks)
        self._playout.clear()
        if heard is not None and unheard:
            self._wire.send(messages.truncate(*heard))

    def _item_of(self, message: Message) -> str | None:
        item_id = text_in(message, "item_id")
        if item_id is None or len(item_id) > MAX_ID_CHARS:
            self._wire.faults.note("wrong_shape")
            return None
        return None if self._items.was_cut(item_id) else item_id
