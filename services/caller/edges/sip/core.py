"""What the calls of one agent have in common."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiosipua.message import SipRequest

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.dialog import Admits
from services.caller.edges.sip.endpoint import Endpoint
from services.caller.edges.sip.responses import respond_to
from services.caller.edges.sip.transactions.client import Hears
from services.caller.edges.sip.transactions.table import Full
from services.caller.edges.sip.wire import Request

if TYPE_CHECKING:
    from services.caller.edges.sip.answering import Arriving
    from services.caller.edges.sip.placing import Attempt
    from services.caller.edges.sip.serving import Serving

TAG_CHARS = 20


@dataclass(slots=True)
class Core:
    """An agent's tables: calls by Call-ID and our tag, those that ring by transaction, those being placed."""

    endpoint: Endpoint
    admits: Admits
    calls: "dict[tuple[str, str], Serving]" = field(default_factory=dict)
    arriving: "dict[str, Arriving]" = field(default_factory=dict)
    let_in: set[str] = field(default_factory=set)  # transactions of calls that came from outside, until they end
    attempts: "set[Attempt]" = field(default_factory=set)
    closing: bool = False
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def tag_for(self, request: Request) -> str:
        """Return our tag for a request: the same each time it comes, and nobody else can guess it."""
        said = f"{request.call_id}\n{request.from_tag}\n{request.via.branch}"
        return hmac.new(self._key, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:TAG_CHARS]

    def admits_for(self, found_at: Address) -> Admits:
        """Return which addresses a far end that was found there may name: those that all may, and where it is itself.

        Ours is none of the former: an agent must not have us send to what else listens on this host.
        """
        return lambda host: host == found_at[0] or self.admits(host)

    def ask(self, request: SipRequest, to: Address, hears: Hears = lambda response: None) -> None:
        """Send a request; if there is no room for its transaction, once and without one."""
        try:
            self.endpoint.transactions.ask(request, to, hears)
        except Full:
            self.endpoint.send(bytes(request), to)

    def answer(
        self, request: Request, status: int, headers: Mapping[str, str] | None = None, *, reason: str = ""
    ) -> None:
        """Answer without keeping anything (8.2.7): it is answered the same if it comes again."""
        response = respond_to(request, status, self.tag_for(request), reason=reason, headers=headers)
        self.endpoint.send(bytes(response), request.answered_at)

    def refuse(self, request: Request, status: int, reason: str = "") -> None:
        """Refuse without keeping anything."""
        self.answer(request, status, reason=reason)
