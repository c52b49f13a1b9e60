"""An answered call: where its sound goes, and how it ends."""

import asyncio
from collections.abc import Callable

from services.caller.edges.sip.agent import Ended, EndedBy, Media
from services.caller.edges.sip.dialog import Dialog
from services.caller.edges.sip.session_timer import SessionTimer
from services.caller.edges.sip.sound import Described, OwnSound
from services.caller.edges.sip.wire import Response
from services.caller.edges.sip.within import Within

SENTENCES: dict[EndedBy, str] = {
    "us": "The caller hung up",
    "far_end": "The agent hung up",
    "session_timer": "Nothing was heard of the far end any more, and the call was ended",
    "lost": "The far end lost the call",
}


class Call:
    """A call between its 200 and its BYE."""

    def __init__(self, within: Within, own: OwnSound, *, setup_ms: int = 0, ring_ms: int = 0) -> None:
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.setup_ms = setup_ms
        self.ring_ms = ring_ms
        self.held = False
        self.within = within
        self.own = own
        self.timer = SessionTimer(self._refresh, lambda: self.end("session_timer"))
        self.ending: list[Callable[[], None]] = []
        self._media: Media | None = None
        self._changed: list[Callable[[], None]] = []
        self._bye_done = asyncio.Event()

    @property
    def call_id(self) -> str:
        """The Call-ID of its dialog."""
        return self.dialog.call_id

    @property
    def dialog(self) -> Dialog:
        """Its dialog."""
        return self.within.dialog

    @property
    def media(self) -> Media:
        """Where its sound goes now."""
        if self._media is None:
            raise RuntimeError("a call is handed out with its media")
        return self._media

    def on_media(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever `media` or `held` has changed."""
        self._changed.append(changed)

    def admits(self, sound: Described) -> bool:
        """Say whether RTP may go where a description says."""
        return sound.media is None or self.dialog.admits(sound.media.host)

    def hear(self, sound: Described) -> None:
        """Take over what the far end says of its sound."""
        before = self._media, self.held
        self._media, self.held = sound.media or self._media, sound.held
        if before != (self._media, self.held):
            for changed in self._changed:
                changed()

    async def hang_up(self) -> None:
        """Send BYE, once, and wait a little for its answer."""
        self.end("us")
        try:
            async with asyncio.timeout(self.within.hang_up_wait_seconds):
                await self._bye_done.wait()
        except TimeoutError:
            return

    def end(self, by: EndedBy) -> None:
        """End it, with BYE unless the far end has said it. Idempotent."""
        if self.ended.done():
            return
        self.timer.stop()
        self.ended.set_result(Ended(by, SENTENCES[by]))
        for ending in self.ending:
            ending()
        if by == "far_end":
            self._bye_done.set()
        else:
            self.within.ask("BYE", lambda response: self._bye_done.set())

    def _refresh(self) -> None:
        self.within.refresh(self.own, self._refreshed)

    def _refreshed(self, response: Response | None) -> None:
        if self.ended.done():
            return
        if response is None or response.status in (408, 481):
            self.end("lost")
        elif 200 <= response.status < 300:
            self.within.settle_timer(self.timer, response.message)
