"""All transactions of an agent, by what finds them."""

from aiosipua.headers import parse_via
from aiosipua.message import SipRequest

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import MAX_TRANSACTIONS
from services.caller.edges.sip.transactions.client import ClientInvite, ClientOther, Hears
from services.caller.edges.sip.transactions.line import Line
from services.caller.edges.sip.transactions.server import ServerInvite, ServerOther
from services.caller.edges.sip.wire import Request, Response

Merge = tuple[str, str, int]


class Full(Exception):  # noqa: N818
    """There are `MAX_TRANSACTIONS` already."""


class Transactions:
    """Makes transactions, finds them, and forgets them when they end."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._clients: dict[tuple[str, str], ClientInvite | ClientOther] = {}
        self._servers: dict[str, ServerInvite | ServerOther] = {}
        self._merged: dict[Merge, str] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    def invite(self, request: SipRequest, to: Address, hears: Hears) -> ClientInvite:
        """Send an INVITE. Raises Full."""
        key = self._client_key(request)
        made = ClientInvite(self._line, request, to, hears, lambda: self._forget_client(key))
        self._clients[key] = made
        made.start()
        return made

    def ask(self, request: SipRequest, to: Address, hears: Hears = lambda response: None) -> None:
        """Send any other request. Raises Full."""
        key = self._client_key(request)
        made = ClientOther(self._line, request, to, hears, lambda: self._forget_client(key))
        self._clients[key] = made
        made.start()

    def response(self, response: Response) -> bool:
        """Hand a response to what it answers. Says whether it answers anything."""
        client = self._clients.get((response.branch, response.method))
        if client is None:
            return False
        client.receive(response)
        return True

    def invited(self, request: Request) -> ServerInvite:
        """Begin to serve an INVITE. Raises Full."""
        self._check_room()
        key, merge = request.transaction, _merge(request)

        def forget() -> None:
            self._servers.pop(key, None)
            if self._merged.get(merge) == key:
                del self._merged[merge]

        made = ServerInvite(self._line, request.answered_at, forget)
        self._servers[key] = made
        self._merged.setdefault(merge, key)
        return made

    def asked(self, request: Request) -> ServerOther:
        """Begin to serve any other request. Raises Full."""
        self._check_room()
        key = request.transaction
        made = ServerOther(self._line, request.answered_at, lambda: self._drop_server(key))
        self._servers[key] = made
        return made

    def found(self, request: Request) -> ServerInvite | ServerOther | None:
        """Return the transaction that a request belongs to."""
        return self._servers.get(request.transaction)

    def merges(self, request: Request) -> bool:
        """Say whether an INVITE came before on another way (8.2.2.2)."""
        return _merge(request) in self._merged

    def end_all(self) -> None:
        """Forget everything."""
        for transaction in [*self._clients.values(), *self._servers.values()]:
            transaction.end()

    def _client_key(self, request: SipRequest) -> tuple[str, str]:
        self._check_room()
        return parse_via(request.headers.get("via")[0]).branch or "", request.method

    def _check_room(self) -> None:
        if len(self) >= MAX_TRANSACTIONS:
            raise Full

    def _forget_client(self, key: tuple[str, str]) -> None:
        self._clients.pop(key, None)

    def _drop_server(self, key: str) -> None:
        self._servers.pop(key, None)


def _merge(request: Request) -> Merge:
    return request.call_id, request.from_tag, request.cseq
