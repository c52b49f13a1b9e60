"""The user agent over UDP (RFC 3261, UDP alone): who gets what was received.

Nobody can make it call anybody: it knows no REFER and no Replaces, forwards nothing and follows no redirect.
"""

import asyncio
from collections.abc import Mapping

from services.caller.edges.sip import refusals
from services.caller.edges.sip.agent import CallRefused, InviteHandler, Placing, SipAgent, SipCall
from services.caller.edges.sip.answering import Arriving
from services.caller.edges.sip.core import Core
from services.caller.edges.sip.dialog import Admits, routes_of, target_of
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.endpoint import Endpoint
from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.names import is_sip_uri
from services.caller.edges.sip.pace import Pace
from services.caller.edges.sip.placing import Attempt
from services.caller.edges.sip.responses import NOT_SERVED
from services.caller.edges.sip.serving import least_session, too_short
from services.caller.edges.sip.sound import CONTENT_TYPE, Described, NothingInCommon, NotSpoken, read_sound
from services.caller.edges.sip.transactions.server import ServerInvite
from services.caller.edges.sip.transactions.table import Full
from services.caller.edges.sip.wire import Request
from services.caller.metrics import SIP_CALLS_PLACED, SIP_INVITES_REFUSED

UNDERSTOOD_EXTENSIONS = frozenset({"timer"})
RETRY_AFTER_SECONDS = 1
STRANGERS = {403: "token", 404: "number"}


class UserAgent:
    """One user agent on one UDP port. `may_dial` is asked about each IP address that a message names.

    It may always call itself: who answers there is asked by the door.
    """

    def __init__(
        self, *, may_dial: Admits, door: Door, timing: Timing | None = None, advertised_host: str | None = None
    ) -> None:
        self._door = door
        self._pace = Pace(door.limits.invites_per_second)
        self._handler: InviteHandler | None = None
        self.core = Core(Endpoint(timing or Timing(), self._serve, advertised_host), may_dial)

    @property
    def port(self) -> int:
        """The UDP port that it is bound to."""
        return self.core.endpoint.port

    async def start(self, host: str, port: int) -> None:
        """Bind."""
        await self.core.endpoint.start(host, port)

    async def place(self, placing: Placing) -> SipCall:
        """Call somebody."""
        if self.core.closing:
            raise refusals.stopped()
        if not is_sip_uri(placing.uri):
            raise refusals.no_sip_uri()
        if placing.address != self.core.endpoint.bound_to and not self.core.admits(placing.address[0]):
            raise refusals.not_allowed()
        try:
            call = await Attempt(self.core, placing).run()
        except CallRefused as refused:
            SIP_CALLS_PLACED.labels(refused.kind).inc()
            raise
        except asyncio.CancelledError:
            SIP_CALLS_PLACED.labels("given_up").inc()
            raise
        SIP_CALLS_PLACED.labels("answered").inc()
        return call

    def on_invite(self, handler: InviteHandler) -> None:
        """Ask it about each INVITE from now on."""
        self._handler = handler

    async def hang_up_all(self) -> None:
        """End each call, and take no more."""
        self.core.closing = True
        for attempt in list(self.core.attempts):
            attempt.give_up()
        for arriving in list(self.core.arriving.values()):
            arriving.cancel(480)
        await asyncio.gather(*(serving.call.hang_up() for serving in list(self.core.calls.values())))

    async def aclose(self) -> None:
        """`hang_up_all`, then give the port back."""
        await self.hang_up_all()
        self.core.endpoint.close()

    def _serve(self, request: Request) -> None:
        transactions = self.core.endpoint.transactions
        known = transactions.found(request)
        if request.method == "ACK":
            self._acknowledge(request, known if isinstance(known, ServerInvite) else None)
        elif request.method == "CANCEL":
            self.core.refuse(request, 481) if known is None else self.core.answer(request, 200)
            if (arriving := self.core.arriving.get(request.transaction)) is not None:
                arriving.cancel()
        elif known is not None:
            known.receive_again()
        elif request.fault is not None:
            self.core.refuse(request, *request.fault)
        else:
            with_room = self._within if request.to_tag else self._outside
            try:
                with_room(request)
            except Full:
                if request.method == "INVITE" and not request.to_tag:
                    SIP_INVITES_REFUSED.labels("room").inc()
                self.core.refuse(request, 503)

    def _acknowledge(self, request: Request, known: ServerInvite | None) -> None:
        if known is not None and known.refused:
            known.acknowledged()
        elif (serving := self.core.calls.get((request.call_id, request.to_tag))) is not None:
            serving.acknowledged(request)

    def _within(self, request: Request) -> None:
        serving = self.core.calls.get((request.call_id, request.to_tag))
        if serving is None or serving.call.dialog.remote_tag != request.from_tag:
            self.core.refuse(request, 481)
        else:
            serving.receive(request)

    def _outside(self, request: Request) -> None:
        match request.method:
            case "INVITE":
                self._invited(request)
            case "OPTIONS":
                self.core.answer(request, 200)
            case "BYE" | "UPDATE":
                self.core.refuse(request, 481)
            case method:
                self.core.refuse(request, 405 if method in NOT_SERVED else 501)

    def _invited(self, request: Request) -> None:
        """Let an INVITE in. Who may not knock is refused without anything being kept of it."""
        core, headers = self.core, request.message.headers
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        if (status := self._door.stranger(request)) is not None:
            self._turn_away(request, STRANGERS[status], status)
        elif core.endpoint.transactions.merges(request):
            self._turn_away(request, "merged", 482)
        elif unknown := [one for one in headers.get("require") if one.strip().lower() not in UNDERSTOOD_EXTENSIONS]:
            self._turn_away(request, "extension", 420, {"Unsupported": ", ".join(unknown)})
        elif too_short(core, request):
            self._turn_away(request, "session", 422, least_session(core))
        elif self._handler is None or core.closing:
            self._turn_away(request, "closing", 480)
        elif len(core.let_in) >= self._door.limits.calls_at_once:
            self._turn_away(request, "room", 503, later)
        elif not self._pace.take():
            self._turn_away(request, "rate", 503, later)
        else:
            self._let_in(request, self._handler)

    def _turn_away(
        self, request: Request, reason: str, status: int, headers: Mapping[str, str] | None = None, phrase: str = ""
    ) -> None:
        SIP_INVITES_REFUSED.labels(reason).inc()
        self.core.answer(request, status, headers, reason=phrase)

    def _let_in(self, request: Request, handler: InviteHandler) -> None:
        headers = request.message.headers
        try:
            target, routes = target_of(headers.get("contact"), ""), routes_of(headers.get("record-route"))
        except ValueError:
            target, routes = "", ()
        if not target:
            self._turn_away(request, "contact", 400, phrase="Contact And Record-Route Needed As Addresses")
            return
        offer: Described | None = None
        if request.message.body:
            kind = (headers.get_first("content-type") or "").partition(";")[0].strip().lower()
            if kind != CONTENT_TYPE or "content-encoding" in headers:
                self._turn_away(request, "sound", 415, {"Accept": CONTENT_TYPE})
                return
            try:
                offer = read_sound(request.message.body)
                if offer.media is None or not self.core.admits_for(request.source)(offer.media.host):
                    raise NothingInCommon  # noqa: TRY301
            except NotSpoken:
                self._turn_away(request, "sound", 400, phrase="Unreadable SDP")
                return
            except NothingInCommon:
                self._turn_away(request, "sound", 488)
                return
        Arriving(self.core, request, offer, target, routes).ring(handler)


def agent_over_udp(
    *, may_dial: Admits, door: Door, timing: Timing | None = None, advertised_host: str | None = None
) -> SipAgent:
    """Make a user agent. `advertised_host`: the address that the far end sees us at, where it isn't our own."""
    return UserAgent(may_dial=may_dial, door=door, timing=timing, advertised_host=advertised_host)
