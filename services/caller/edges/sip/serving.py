"""What the far end asks within a call."""

from collections.abc import Callable

from aiosipua.message import SipResponse

from services.caller.edges.sip.calls import Call
from services.caller.edges.sip.core import Core
from services.caller.edges.sip.dialog import contact, target_of
from services.caller.edges.sip.limits import MAX_REQUESTS_OF_CALL_A_SECOND
from services.caller.edges.sip.pace import Pace
from services.caller.edges.sip.responses import NOT_SERVED, respond_to
from services.caller.edges.sip.session_timer import SessionExpires, answered_expires, read_session_expires
from services.caller.edges.sip.sound import CONTENT_TYPE, Described, NothingInCommon, NotSpoken, read_sound
from services.caller.edges.sip.transactions.server import ServerInvite
from services.caller.edges.sip.wire import Request

# An offer's answer and what was offered; our own offer and None where there was none.
OwnSide = tuple[bytes, Described | None]


class Serving:
    """Answers requests within a call, as long as it lasts."""

    def __init__(self, core: Core, call: Call) -> None:
        self.call = call
        self._core = core
        self._key = call.call_id, call.dialog.local_tag
        core.calls[self._key] = self
        self._unacknowledged: dict[int, tuple[ServerInvite, Callable[[Request], None]]] = {}
        self._pace = Pace(MAX_REQUESTS_OF_CALL_A_SECOND)
        call.ending.append(self._stop)

    def expect_ack(self, cseq: int, transaction: ServerInvite, then: Callable[[Request], None]) -> None:
        """Our 2xx waits for its ACK; without one the call is over (13.3.1.4)."""
        self._unacknowledged[cseq] = transaction, then
        transaction.unacknowledged = lambda: self.call.end("lost")

    def acknowledged(self, request: Request) -> None:
        """An ACK came."""
        if (waiting := self._unacknowledged.pop(request.cseq, None)) is not None:
            transaction, then = waiting
            transaction.acknowledged()
            then(request)

    def receive(self, request: Request) -> None:
        """Serve a request. Raises Full."""
        dialog = self.call.dialog
        if request.cseq <= dialog.remote_cseq:
            self._core.refuse(request, 500, "Out Of Order")
            return
        if request.method != "BYE" and not self._pace.take():
            # Each is remembered for 32 s, and there is room for so many of all calls together.
            self._core.refuse(request, 503)
            return
        dialog.remote_cseq = request.cseq
        match request.method:
            case "BYE":
                self._answer(request, respond_to(request, 200, ""))
                self.call.end("far_end")
            case "INVITE" | "UPDATE":
                self._renegotiate(request)
            case "OPTIONS":
                self._answer(request, respond_to(request, 200, ""))
            case method:
                self._answer(request, respond_to(request, 405 if method in NOT_SERVED else 501, ""))

    def _renegotiate(self, request: Request) -> None:
        """Serve a re-INVITE or UPDATE: hold, another address, a refresh."""
        inviting = request.method == "INVITE"
        if self.call.within.inviting and (inviting or request.message.body):
            self._core.refuse(request, 491)
            return
        if too_short(self._core, request):
            self._core.answer(request, 422, least_session(self._core))
            return
        side: OwnSide = (b"", None)
        if inviting or request.message.body:
            try:
                side = own_side(self.call, request)
            except NotSpoken:
                self._core.refuse(request, 400, "Unreadable SDP")
                return
            except NothingInCommon:
                self._core.refuse(request, 488)
                return
        body, sound = side
        self._retarget(request)
        expires = answered_expires(request.message, self._core.endpoint.timing)
        response = agreed(self._core, request, "", body, expires)
        if inviting:
            transaction = self._core.endpoint.transactions.invited(request)
            self.expect_ack(request.cseq, transaction, self._answered_late if sound is None else lambda ack: None)
            transaction.respond(response)
        else:
            self._answer(request, response)
        self.call.timer.run(expires.seconds, ours=expires.refresher == "uas")
        if sound is not None:
            self.call.hear(sound)

    def _answered_late(self, ack: Request) -> None:
        read_answer(self.call, ack)  # one that can't be read changes nothing

    def _answer(self, request: Request, response: SipResponse) -> None:
        self._core.endpoint.transactions.asked(request).respond(response)

    def _retarget(self, request: Request) -> None:
        dialog = self.call.dialog
        try:
            dialog.remote_target = target_of(request.message.headers.get("contact"), dialog.remote_target)
        except ValueError:
            return  # it stays where it was

    def _stop(self) -> None:
        self._core.calls.pop(self._key, None)
        for transaction, _then in self._unacknowledged.values():
            transaction.acknowledged()
        self._unacknowledged.clear()


def own_side(call: Call, request: Request) -> OwnSide:
    """Return our side of the sound. Raises NotSpoken, NothingInCommon."""
    if not request.message.body:
        return call.own.offer(), None
    sound = read_sound(request.message.body)
    if not call.admits(sound):
        raise NothingInCommon
    return call.own.answer(sound), sound


def read_answer(call: Call, ack: Request) -> bool:
    """Take over the answer to our offer, which an ACK brought. Says whether there was a good one."""
    try:
        sound = read_sound(ack.message.body)
    except (NotSpoken, NothingInCommon):
        return False
    if sound.media is None or not call.admits(sound):
        return False
    call.hear(sound)
    return True


def agreed(core: Core, request: Request, tag: str, body: bytes, expires: SessionExpires) -> SipResponse:
    """Return the 200 to an INVITE or UPDATE."""
    headers = {
        "Contact": contact(core.endpoint.own_towards(request.source)),
        "Session-Expires": str(expires),
        "Supported": "timer",
    }
    if expires.refresher == "uac":
        headers["Require"] = "timer"
    if body:
        headers["Content-Type"] = CONTENT_TYPE
    response = respond_to(request, 200, tag, headers=headers)
    response.body = body
    return response


def too_short(core: Core, request: Request) -> bool:
    """Say whether a session would have to be refreshed more often than we care to (422)."""
    asked = read_session_expires(request.message)
    return asked is not None and asked.seconds < core.endpoint.timing.min_session_expires_seconds


def least_session(core: Core) -> dict[str, str]:
    """Return what a 422 says."""
    return {"Min-SE": str(core.endpoint.timing.min_session_expires_seconds)}
