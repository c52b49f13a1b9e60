"""A caller that is killed in mid-call: the call of somebody else's SIP agent is over when its session timer says so."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.children import dies_with_parent
from tests.support.caller_to_be_killed import SESSION_SECONDS
from tests.support.sip_peer import SDP, Said, SipPeer, a_peer

ROOT = Path(__file__).parents[3]
SETTLED = {"Session-Expires": f"{SESSION_SECONDS};refresher=uac", "Require": "timer"}
REFRESHES = 3
UNSTEADY_SECONDS = 10.0  # of a process on a machine that others use as well
START_SECONDS = 60.0


@contextmanager
def a_caller(peer: SipPeer, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that calls the peer."""
    command = [sys.executable, "-m", "tests.support.caller_to_be_killed", str(peer.address[1]), str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, preexec_fn=dies_with_parent)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def heard_within(peer: SipPeer, seconds: float) -> Said | None:
    """Return what comes next, None if nothing does: then an agent that keeps RFC 4028 ends its call."""
    try:
        async with asyncio.timeout(seconds):
            return await peer.heard.get()
    except TimeoutError:
        return None


@pytest.mark.parametrize(("allow", "refresh"), [("INVITE, ACK, BYE, UPDATE", "UPDATE"), ("INVITE, ACK, BYE", "INVITE")])
async def test_an_agent_of_somebody_else_hears_refreshes_until_its_caller_is_killed_and_then_ends_the_call(
    tmp_path: Path, allow: str, refresh: str
) -> None:
    async with a_peer() as peer:
        with a_caller(peer, tmp_path) as caller:
            invite = await heard_within(peer, START_SECONDS)
            assert invite is not None
            assert invite.header("supported") == "timer"
            assert invite.header("session-expires") == f"{SESSION_SECONDS};refresher=uac", "it asks to be ended"
            peer.answer(invite, 200, sdp=SDP, headers=SETTLED | {"Allow": allow})
            refreshed = 0
            while refreshed < REFRESHES:
                said = await heard_within(peer, SESSION_SECONDS + UNSTEADY_SECONDS)
                assert said is not None, "the session was to go on"
                if said.method == refresh:
                    refreshed += 1
                    assert said.header("session-expires") == f"{SESSION_SECONDS};refresher=uac"
                    peer.answer(said, 200, sdp=SDP if refresh == "INVITE" else "", headers=SETTLED)
                else:
                    assert said.method == "ACK"
            caller.kill()
            await asyncio.to_thread(caller.wait)
            while (said := await heard_within(peer, SESSION_SECONDS)) is not None:
                assert said.method in ("ACK", refresh), "what was under way when it died"
