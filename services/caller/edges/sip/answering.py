"""Answers an INVITE that passed the door: it rings, its handler decides, the ACK makes it a call."""

import asyncio
import time
from logging import getLogger

from services.caller.edges.sip.agent import Accept, Invited, InviteHandler, Refuse
from services.caller.edges.sip.calls import Call
from services.caller.edges.sip.core import Core
from services.caller.edges.sip.dialog import Dialog, contact
from services.caller.edges.sip.limits import MAX_RINGING_SECONDS
from services.caller.edges.sip.names import read_name_addr, user_of
from services.caller.edges.sip.responses import respond_to
from services.caller.edges.sip.serving import Serving, agreed, read_answer
from services.caller.edges.sip.session_timer import answered_expires
from services.caller.edges.sip.sound import Described, NothingInCommon, OwnSound
from services.caller.edges.sip.wire import Request
from services.caller.edges.sip.within import Within

REFUSALS = range(400, 700)
log = getLogger(__name__)


class Arriving:
    """An INVITE between its 180 and its final response. Making it raises Full."""

    def __init__(
        self, core: Core, request: Request, offer: Described | None, remote_target: str, routes: tuple[str, ...]
    ) -> None:
        self._core = core
        self._request = request
        self._offer = offer
        self._remote_target = remote_target
        self._routes = routes
        self._invited = _invited(request, offer)
        self._tag = core.tag_for(request)
        self._own = core.endpoint.own_towards(request.source)
        self._began_at = time.monotonic()
        self._accepted = False
        self._transaction = core.endpoint.transactions.invited(request)  # last: what raises here keeps nothing
        self._task: asyncio.Task[None] | None = None

    def ring(self, handler: InviteHandler) -> None:
        """Send 180, and ask."""
        self._transaction.respond(
            respond_to(self._request, 180, self._tag, headers={"Contact": contact(self._own), "Supported": "timer"})
        )
        self._core.arriving[self._request.transaction] = self
        self._core.let_in.add(self._request.transaction)
        self._task = asyncio.create_task(self._decide(handler), name="sip invite")
        self._task.add_done_callback(self._decided)

    def cancel(self, status: int = 487) -> None:
        """End it before it is answered."""
        self._refuse(Refuse(status))
        if self._task is not None:
            self._task.cancel()

    async def _decide(self, handler: InviteHandler) -> None:
        async with asyncio.timeout(MAX_RINGING_SECONDS):
            decision = await handler(self._invited)
        if isinstance(decision, Refuse):
            self._refuse(decision)
        else:
            self._accept(decision)

    def _decided(self, task: asyncio.Task[None]) -> None:
        self._core.arriving.pop(self._request.transaction, None)
        if not self._accepted:
            self._gone()
        if task.cancelled():
            self._refuse(Refuse(487))
        elif isinstance(error := task.exception(), TimeoutError):
            self._refuse(Refuse(480))
        elif error is not None:
            log.error("the handler of a SIP call failed: %s", type(error).__name__)
            self._refuse(Refuse(500))

    def _refuse(self, refuse: Refuse) -> None:
        status = refuse.status if refuse.status in REFUSALS else 480
        self._transaction.respond(respond_to(self._request, status, self._tag, reason=refuse.reason))

    def _accept(self, accept: Accept) -> None:
        if not self._transaction.pending:
            accept.abandoned()
            return
        own = OwnSound(accept.local_media)
        try:
            body = own.answer(self._offer) if self._offer is not None else own.offer()
        except NothingInCommon:
            self._refuse(Refuse(488))
            accept.abandoned()
            return
        call = Call(self._within(), own, setup_ms=self._ms(), ring_ms=self._ms())
        if self._offer is not None:
            call.hear(self._offer)
        serving = Serving(self._core, call)
        self._accepted = True
        handed_out = False

        def answered(ack: Request) -> None:
            nonlocal handed_out
            if self._offer is None and not read_answer(call, ack):
                call.end("lost")
                return
            handed_out = True
            accept.answered(call)

        def ended() -> None:
            self._gone()
            if not handed_out:
                accept.abandoned()

        call.ending.append(ended)
        serving.expect_ack(self._request.cseq, self._transaction, answered)
        expires = answered_expires(self._request.message, self._core.endpoint.timing)
        self._transaction.respond(agreed(self._core, self._request, self._tag, body, expires))
        call.timer.run(expires.seconds, ours=expires.refresher == "uas")

    def _gone(self) -> None:
        self._core.let_in.discard(self._request.transaction)

    def _ms(self) -> int:
        return round(1_000 * (time.monotonic() - self._began_at))

    def _within(self) -> Within:
        headers = self._request.message.headers
        to = headers.get_first("to") or ""
        dialog = Dialog(
            call_id=self._request.call_id,
            local=f"{to};tag={self._tag}",
            remote=headers.get_first("from") or "",
            remote_target=self._remote_target,
            routes=self._routes,
            local_cseq=0,
            remote_cseq=self._request.cseq,
            own=self._own,
            reached_at=self._request.source,
            admits=self._core.admits_for(self._request.source),
        )
        updates = any(one.strip().upper() == "UPDATE" for one in headers.get("allow"))
        return Within(self._core, dialog, None, updates=updates)


def _invited(request: Request, offer: Described | None) -> Invited:
    headers = request.message.headers
    return Invited(
        call_id=request.call_id,
        from_number=_caller_of(headers.get_first("p-asserted-identity") or "")
        or _caller_of(headers.get_first("from") or ""),
        to_user=user_of(request.message.uri),
        headers={name.lower(): ", ".join(values) for name, values in headers.items()},
        offer=offer.media if offer is not None else None,
        source=request.source,
    )


def _caller_of(name_addr: str) -> str:
    try:
        return user_of(read_name_addr(name_addr).uri)
    except ValueError:
        return ""
