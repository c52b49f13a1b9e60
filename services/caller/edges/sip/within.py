"""What we ask within a dialog."""

from collections.abc import Callable

from aiosipua.message import SipMessage, SipRequest

from services.caller.edges.sip.agent import Credentials
from services.caller.edges.sip.core import Core
from services.caller.edges.sip.dialog import Dialog
from services.caller.edges.sip.digest import Digest
from services.caller.edges.sip.session_timer import SessionExpires, SessionTimer, read_session_expires
from services.caller.edges.sip.sound import CONTENT_TYPE, OwnSound
from services.caller.edges.sip.transactions.table import Full
from services.caller.edges.sip.wire import Response

Settled = Callable[[Response | None], None]


class Within:
    """Requests of one dialog. A challenge is answered; each has its own."""

    def __init__(self, core: Core, dialog: Dialog, credentials: Credentials | None, *, updates: bool) -> None:
        self.dialog = dialog
        self.inviting = False  # an INVITE of ours is not answered yet (14.1)
        self._core = core
        self._credentials = credentials
        self._updates = updates

    @property
    def hang_up_wait_seconds(self) -> float:
        """How long a BYE's answer is waited for."""
        return self._core.endpoint.timing.hang_up_wait_seconds

    def ask(self, method: str, hears: Settled, *, expires: SessionExpires | None = None) -> None:
        """Send a request without a body; `hears` gets its final response, None if there was none."""
        digest = Digest(self._credentials)

        def send() -> None:
            request = self._request(method, expires)
            digest.write(request)
            self._core.ask(request, self.dialog.next_hop, lambda response: heard(request, response))

        def heard(request: SipRequest, response: Response | None) -> None:
            if response is not None and response.status in (401, 407) and digest.take(request, response.message):
                send()
            else:
                hears(response)

        send()

    def refresh(self, own: OwnSound, hears: Settled) -> None:
        """Refresh the session: by UPDATE where the far end knows it, else by INVITE with what was agreed."""
        timing = self._core.endpoint.timing
        expires = SessionExpires(timing.session_expires_seconds, "uac")
        if self._updates:
            self.ask("UPDATE", hears, expires=expires)
        elif not self.inviting:
            self._invite(own, hears, expires)

    def settle_timer(self, timer: SessionTimer, answer: SipMessage) -> None:
        """Begin the session timer that a 2xx to a request of ours has settled; without one there is none."""
        agreed = read_session_expires(answer)
        if agreed is None:
            # The far end knows no timers: our refreshes alone show whether it lives.
            timer.run(self._core.endpoint.timing.session_expires_seconds, ours=True)
        else:
            least_seconds = self._core.endpoint.timing.min_session_expires_seconds
            timer.run(max(agreed.seconds, least_seconds), ours=agreed.refresher != "uas")

    def acknowledge(self, invite: SipRequest) -> Callable[[], None]:
        """Send the ACK to a 2xx (13.2.2.4). Returns what sends it again."""
        number = int((invite.headers.get_first("cseq") or "0").split()[0])
        ack = self.dialog.request("ACK", number)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.get(name):
                ack.headers.append(name, value)
        datagram, to = bytes(ack), self.dialog.next_hop

        def send() -> None:
            self._core.endpoint.send(datagram, to)

        send()
        return send

    def _invite(self, own: OwnSound, hears: Settled, expires: SessionExpires) -> None:
        digest = Digest(self._credentials)
        body = own.offer()
        self.inviting = True

        def send() -> None:
            request = self._request("INVITE", expires)
            request.headers.set_single("Content-Type", CONTENT_TYPE)
            request.body = body
            digest.write(request)
            again: list[Callable[[], None]] = []

            def heard(response: Response | None) -> None:
                if response is not None and response.status < 200:
                    return
                if response is not None and response.status < 300 and again:
                    again[0]()
                    return
                if response is not None and response.status in (401, 407) and digest.take(request, response.message):
                    send()
                    return
                self.inviting = False
                if response is not None and response.status < 300:
                    again.append(self.acknowledge(request))
                hears(response)

            try:
                self._core.endpoint.transactions.invite(request, self.dialog.next_hop, heard)
            except Full:
                self.inviting = False

        send()

    def _request(self, method: str, expires: SessionExpires | None) -> SipRequest:
        request = self.dialog.request(method)
        if expires is not None:
            request.headers.set_single("Supported", "timer")
            request.headers.set_single("Session-Expires", str(expires))
            request.headers.set_single("Min-SE", str(self._core.endpoint.timing.min_session_expires_seconds))
        return request
