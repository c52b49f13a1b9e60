"""A SIP far end that says exactly what a test wants, over a raw UDP socket: no stack, ours or another's, helps it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.limits import DoorLimits, Timing
from services.caller.edges.sip.user_agent import UserAgent

QUICK = Timing(t1_seconds=0.025, t2_seconds=0.1, t4_seconds=0.1, hang_up_wait_seconds=0.1)
TOKEN = "let-me-in"
NUMBER = "4930100"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it came."""

    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: str
    raw: bytes
    source: Address

    @property
    def method(self) -> str:
        """The method of a request, or the status of a response."""
        words = self.first_line.split()
        return words[1] if words[0] == "SIP/2.0" else words[0]

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The first value of a header."""
        return next(iter(self.all(name)), "")

    @property
    def branch(self) -> str:
        """The branch of the top Via."""
        return self.header("via").partition("branch=")[2].partition(";")[0]

    @property
    def to_tag(self) -> str:
        """The tag in To."""
        return self.header("to").partition(";tag=")[2]


class SipPeer(asyncio.DatagramProtocol):
    """One UDP socket. What comes is kept in order, until it is asked for."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Said] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)
        self._seen: set[bytes] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Keep it."""
        self.heard.put_nowait(parse(data, addr[:2]))

    def send(self, message: str | bytes, to: Address) -> None:
        """Send."""
        assert self._transport is not None
        self._transport.sendto(message.encode() if isinstance(message, str) else message, to)

    async def next(self, method: str) -> Said:
        """Return the next message that is no retransmission; it must be of this method or status."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (said := await self.heard.get()).raw in self._seen:
                pass
        assert said.method == method, f"expected {method}, came {said.first_line}"
        self._seen.add(said.raw)
        return said

    async def again(self, said: Said) -> None:
        """Wait until a message comes once more, to the letter."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (await self.heard.get()).raw != said.raw:
                pass

    def answer(
        self, to: Said, status: int, *, tag: str = "peer", sdp: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer a request as a simple far end does."""
        self.send(response(to, status, tag=tag, sdp=sdp, headers=self._with_contact(to, headers)), to.source)

    def _with_contact(self, to: Said, headers: Mapping[str, str] | None) -> dict[str, str]:
        own = {"Contact": f"<sip:peer@{self.address[0]}:{self.address[1]}>"} if to.method == "INVITE" else {}
        return own | dict(headers or {})

    def invite(self, to: Address, *, call: str = "", headers: str = "", sdp: str = SDP, token: str = TOKEN) -> str:
        """Return an INVITE to a known number, as it would be sent."""
        return self.request("INVITE", to, call=call or secrets.token_hex(6), headers=headers, body=sdp, token=token)

    def request(
        self,
        method: str,
        to: Address,
        *,
        call: str,
        to_tag: str = "",
        cseq: int = 1,
        branch: str = "",
        headers: str = "",
        body: str = "",
        token: str = "",
        user: str = NUMBER,
    ) -> str:
        """Return a request of ours."""
        host, port = self.address
        lines = [
            f"{method} sip:{user}@{to[0]}:{to[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch={branch or 'z9hG4bK' + secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <sip:+4915@{host}:{port}>;tag=peer-{call}",
            f"To: <sip:{user}@{to[0]}:{to[1]}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@{host}:{port}>",
        ]
        if token:
            lines.append(f"X-Rehearsal-Token: {token}")
        if headers:
            lines.append(headers)
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])


def parse(datagram: bytes, source: Address) -> Said:
    """Read a message, in the simplest way."""
    head, _, body = datagram.decode("utf-8", "replace").partition("\r\n\r\n")
    first_line, *lines = head.split("\r\n")
    headers = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Said(first_line, headers, body, datagram, source)


def response(to: Said, status: int, *, tag: str, sdp: str = "", headers: Mapping[str, str] | None = None) -> str:
    """Return a response."""
    lines = [f"SIP/2.0 {status} Whatever"]
    lines += [f"{name}: {value}" for name, value in to.headers if name.lower() in ("via", "from", "call-id", "cseq")]
    whom = to.header("to")
    lines.append(f"To: {whom}" + ("" if "tag=" in whom or status == 100 else f";tag={tag}"))
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if sdp:
        lines.append("Content-Type: application/sdp")
    return "\r\n".join([*lines, f"Content-Length: {len(sdp)}", "", sdp])


@asynccontextmanager
async def a_peer() -> AsyncIterator[SipPeer]:
    """A far end on a port of its own."""
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(SipPeer, local_addr=("127.0.0.1", 0))
    try:
        yield peer
    finally:
        transport.close()


def loopback_only(host: str) -> bool:
    """May it be dialled? Here, loopback alone."""
    return host.startswith("127.")


@asynccontextmanager
async def an_agent(timing: Timing = QUICK, limits: DoorLimits | None = None) -> AsyncIterator[UserAgent]:
    """Our user agent, with a token and one known number."""
    door = Door(lambda token: token == TOKEN, lambda number: number == NUMBER, limits or DoorLimits())
    agent = UserAgent(may_dial=loopback_only, door=door, timing=timing)
    await agent.start("127.0.0.1", 0)
    try:
        yield agent
    finally:
        await agent.aclose()


def tables(agent: UserAgent) -> dict[str, int]:
    """What an agent keeps, by table: all zero once all is over."""
    core = agent.core
    return {
        "calls": len(core.calls),
        "arriving": len(core.arriving),
        "let_in": len(core.let_in),
        "attempts": len(core.attempts),
        "transactions": len(core.endpoint.transactions),
    }


def where(agent: UserAgent) -> Address:
    """Where an agent is."""
    return "127.0.0.1", agent.port
