"""Places a call: an INVITE until it is answered, refused, given up, or cancelled."""

import asyncio
import time
from collections.abc import Callable

from aiosipua.message import SipRequest
from aiosipua.utils import generate_call_id, generate_tag

from services.caller.edges.sip import refusals
from services.caller.edges.sip.agent import CallRefused, Placing
from services.caller.edges.sip.calls import Call
from services.caller.edges.sip.core import Core
from services.caller.edges.sip.dialog import Dialog, contact, new_request, routes_of, target_of
from services.caller.edges.sip.digest import Digest
from services.caller.edges.sip.limits import MAX_BRANCHES_OF_INVITE
from services.caller.edges.sip.names import name_addr, sip_uri, written_host
from services.caller.edges.sip.responses import SERVED
from services.caller.edges.sip.serving import Serving
from services.caller.edges.sip.session_timer import MAX_EXPIRES_SECONDS, SessionExpires, read_seconds
from services.caller.edges.sip.sound import CONTENT_TYPE, NothingInCommon, NotSpoken, OwnSound, read_sound
from services.caller.edges.sip.transactions.client import ClientInvite, cancel_of
from services.caller.edges.sip.transactions.table import Full
from services.caller.edges.sip.wire import Response
from services.caller.edges.sip.within import Within

RINGING = (180, 183)


class Attempt:
    """A call that is being placed. It lives until its last INVITE is forgotten: a 200 may still come."""

    def __init__(self, core: Core, placing: Placing) -> None:
        self.answered: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self._core = core
        self._placing = placing
        self._own = core.endpoint.own_towards(placing.address)
        self._sound = OwnSound(placing.local_media)
        self._offer = self._sound.offer()
        self._call_id = generate_call_id(written_host(self._own[0]))
        self._from = name_addr(sip_uri(placing.from_number, self._own), generate_tag(), placing.display)
        self._cseq = 0
        self._digest = Digest(placing.credentials)
        self._expires_seconds = core.endpoint.timing.session_expires_seconds
        self._invite: ClientInvite | None = None
        self._acks: dict[str, Callable[[], None]] = {}
        self._prolonged = False
        self._cancelled = False
        self._cancel_sent = False
        self._heard = False
        self._began_at = time.monotonic()
        self._rang_at: float | None = None

    async def run(self) -> Call:
        """Place it. Raises CallRefused."""
        self._core.attempts.add(self)
        try:
            self._send()
            async with asyncio.timeout(self._placing.ring_limit_seconds):
                return await self.answered
        except TimeoutError:
            self.give_up()
            raise (refusals.not_answered() if self._heard else refusals.unreachable()) from None
        except Full:
            raise refusals.stopped() from None
        except asyncio.CancelledError:
            self.give_up()
            raise
        finally:
            self._core.attempts.discard(self)

    def give_up(self) -> None:
        """Cancel it: at once if it rings, else when it does (9.1). A 200 that crosses gets ACK and BYE."""
        self._cancelled = True
        self._refuse(refusals.stopped())
        if not self.answered.cancelled() and self.answered.exception() is None:
            self.answered.result().end("us")  # it was answered as the wait for it ended
        self._cancel()

    def _send(self) -> None:
        placing = self._placing
        self._cseq += 1
        request = new_request("INVITE", placing.uri, self._own)
        headers = request.headers
        for name, value in placing.headers.items():
            headers.set_single(name, value)
        headers.set_single("From", self._from)
        headers.set_single("To", f"<{placing.uri}>")
        headers.set_single("Call-ID", self._call_id)
        headers.set_single("CSeq", f"{self._cseq} INVITE")
        headers.set_single("Contact", contact(self._own))
        if placing.asserts_identity:
            asserted = sip_uri(placing.from_number, self._own)
            headers.set_single("P-Asserted-Identity", name_addr(asserted, display=placing.display))
        headers.set_single("Allow", SERVED)
        headers.set_single("Supported", "timer")
        headers.set_single("Session-Expires", str(SessionExpires(self._expires_seconds, "uac")))
        headers.set_single("Min-SE", str(self._core.endpoint.timing.min_session_expires_seconds))
        headers.set_single("Content-Type", CONTENT_TYPE)
        request.body = self._offer
        self._digest.write(request)
        hears: Callable[[Response | None], None] = lambda response: self._hear(request, response)  # noqa: E731
        self._invite = self._core.endpoint.transactions.invite(request, placing.address, hears)

    def _hear(self, request: SipRequest, response: Response | None) -> None:
        if response is None:
            self._refuse(refusals.not_answered() if self._heard else refusals.unreachable())
            return
        self._heard = True
        if response.status < 200:
            if response.status in RINGING and self._rang_at is None:
                self._rang_at = time.monotonic()
            if self._cancelled:
                self._cancel()
        elif response.status < 300:
            self._accepted(request, response)
        elif self._cancelled or not self._try_again(request, response):
            self._refuse(refusals.refused(response.status))

    def _try_again(self, request: SipRequest, response: Response) -> bool:
        """Send it once more with what was asked for. Says whether it was."""
        if response.status in (401, 407):
            if not self._digest.take(request, response.message):
                return False
        elif response.status == 422:
            least = read_seconds(response.message, "min-se")
            if least is None or not self._expires_seconds < least <= MAX_EXPIRES_SECONDS or self._prolonged:
                return False
            self._prolonged = True
            self._expires_seconds = least
        else:
            return False
        try:
            self._send()
        except Full:
            return False
        return True

    def _accepted(self, request: SipRequest, response: Response) -> None:
        again = self._acks.get(response.to_tag)
        if again is not None:
            again()
            return
        if len(self._acks) >= MAX_BRANCHES_OF_INVITE:
            return
        try:
            within = self._within(response, routes_of(response.message.headers.get("record-route")))
            refusal = None
        except ValueError:
            within, refusal = self._within(response, ()), refusals.broken()
        self._acks[response.to_tag] = within.acknowledge(request)
        if self.answered.done():  # given up meanwhile, or another branch of a fork was first
            within.ask("BYE", lambda response: None)
            return
        if refusal is not None:
            self._hang_up(within, refusal)
            return
        try:
            sound = read_sound(response.message.body)
        except NotSpoken:
            self._hang_up(within, refusals.broken())
            return
        except NothingInCommon:
            self._hang_up(within, refusals.no_codec())
            return
        if sound.media is None or not within.dialog.admits(sound.media.host):
            self._hang_up(within, refusals.media_not_allowed())
            return
        now = time.monotonic()
        ring_ms = 0 if self._rang_at is None else round(1_000 * (now - self._rang_at))
        call = Call(within, self._sound, setup_ms=round(1_000 * (now - self._began_at)), ring_ms=ring_ms)
        call.hear(sound)
        within.settle_timer(call.timer, response.message)
        Serving(self._core, call)
        self.answered.set_result(call)

    def _within(self, response: Response, routes: tuple[str, ...]) -> Within:
        headers = response.message.headers
        try:
            target = target_of(headers.get("contact"), self._placing.uri)
        except ValueError:
            target = self._placing.uri
        dialog = Dialog(
            call_id=self._call_id,
            local=self._from,
            remote=headers.get_first("to") or "",
            remote_target=target,
            routes=tuple(reversed(routes)),
            local_cseq=self._cseq,
            remote_cseq=-1,
            own=self._own,
            reached_at=self._placing.address,
            admits=self._core.admits_for(self._placing.address),
        )
        updates = any(one.strip().upper() == "UPDATE" for one in headers.get("allow"))
        return Within(self._core, dialog, self._placing.credentials, updates=updates)

    def _hang_up(self, within: Within, refusal: CallRefused) -> None:
        within.ask("BYE", lambda response: None)
        self._refuse(refusal)

    def _refuse(self, refusal: CallRefused) -> None:
        if not self.answered.done():
            self.answered.set_exception(refusal)
            self.answered.exception()  # seen: nobody may be waiting any more

    def _cancel(self) -> None:
        if self._invite is not None and self._invite.ringing and not self._cancel_sent:
            self._cancel_sent = True
            self._core.ask(cancel_of(self._invite.request), self._invite.to)
            self._invite.give_up_soon()
