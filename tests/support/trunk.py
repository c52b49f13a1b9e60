"""A SIP trunk that asks its callers for their name and password, reckoned here by RFC 7616's own words."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.sip_peer import SDP, Said, SipPeer, a_peer

REALM, NONCE, USERNAME, PASSWORD = "trunk", "n0nce", "trunk-user", "open sesame"


@dataclass
class Trunk:
    """Answers calls that have the password, and hangs up on them at once; challenges any other, again and again."""

    peer: SipPeer
    invites: list[Said] = field(default_factory=list)
    answered: int = 0

    async def serve(self) -> None:
        """Take calls until it is cancelled."""
        while True:
            said = await self.peer.heard.get()
            if said.method == "INVITE":
                self.invites.append(said)
                self._answer(said)
            elif said.method == "ACK" and said.to_tag == "taken":
                self._hang_up(said)

    def _answer(self, invite: Said) -> None:
        if knows_password(invite):
            self.answered += 1
            self.peer.answer(invite, 200, tag="taken", sdp=SDP)
        else:
            challenge = f'Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5, qop="auth"'
            self.peer.answer(invite, 407, tag="asked", headers={"Proxy-Authenticate": challenge})

    def _hang_up(self, ack: Said) -> None:
        host, port = self.peer.address
        lines = (
            f"BYE {re.sub('[<>]', '', ack.header('contact'))} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKbye-{self.answered}",
            "Max-Forwards: 70",
            f"From: {ack.header('to')}",
            f"To: {ack.header('from')}",
            f"Call-ID: {ack.header('call-id')}",
            "CSeq: 1 BYE",
            "Content-Length: 0",
        )
        self.peer.send("\r\n".join((*lines, "", "")), ack.source)


def knows_password(invite: Said) -> bool:
    """Say whether an INVITE answers the challenge."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', invite.header("proxy-authorization")))
    if not given:
        return False
    first = _md5(f"{USERNAME}:{REALM}:{PASSWORD}")
    second = _md5(f"INVITE:{given['uri']}")
    return _md5(f"{first}:{NONCE}:{given['nc']}:{given['cnonce']}:{given['qop']}:{second}") == str(given["response"])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@asynccontextmanager
async def a_trunk() -> AsyncIterator[Trunk]:
    """A trunk on a port of its own."""
    async with a_peer() as peer:
        trunk = Trunk(peer)
        serving = asyncio.create_task(trunk.serve())
        try:
            yield trunk
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
