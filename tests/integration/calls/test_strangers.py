"""Whoever is on the network: no agent's word and no overheard token makes this system send or answer elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from services.caller.domain.call_clock import CallClock
from services.caller.domain.turn import PartyError
from services.caller.edges.calls.inbound import Expected, announced_to_nobody
from services.caller.edges.calls.telephony import Telephony
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.lines import Lines
from services.caller.edges.secrets import Secrets
from shared.events.connection import SipConnection
from shared.network.addresses import AddressPolicy, read_networks
from tests.integration.calls.exchange import Shelf, an_exchange
from tests.integration.calls.test_loopback import Scripted, holds_nothing
from tests.support.buzzing import Buzzing
from tests.support.sip_peer import NUMBER, SDP, a_peer, where
from tests.unit.caller.builders import a_claim, a_dispatch

OURS, AGENTS = "127.0.0.2", "127.0.0.1"  # the address of this process; where the operator allows agents
ELSEWHERE = "The far end asked for sound at an address that may not be called"


@asynccontextmanager
async def a_process(folder: Path) -> AsyncIterator[Telephony]:
    """What a process is wired to, on an address that no agent may name."""
    network = Network(AddressPolicy(read_networks(f"{AGENTS}/32")), Proxies({}), trusted(None))
    telephony = Telephony(
        Lines(OURS, 0, 35_000, 35_199),
        network=network,
        secrets=Secrets(),
        parties=Scripted(),
        speech=Buzzing(),
        voices={"bot": "rms", "agent": "awb"},
        keeps=Shelf(folder),
        announce=announced_to_nobody,
        calls_limit=10,
        renders=None,
    )
    await telephony.start()
    ticking = asyncio.create_task(telephony.run_clock())
    try:
        yield telephony
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await telephony.aclose()


@pytest.mark.parametrize("host", [OURS, "127.0.0.3", "10.0.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"])
async def test_an_agent_has_no_sound_sent_to_this_host_or_inside(tmp_path: Path, host: str) -> None:
    async with a_process(tmp_path) as telephony, a_peer() as peer:
        dispatch = a_dispatch(mode="sip")
        connection = SipConnection(kind="sip", uri=f"sip:agent@{AGENTS}:{peer.address[1]}")
        target = dispatch.target.model_copy(update={"connection": connection})
        dispatch = dispatch.model_copy(update={"target": target})
        call = telephony.calls.call(a_claim(11), dispatch, CallClock(1.0, lambda: True), None)
        placing = asyncio.create_task(call.place())
        peer.answer(await peer.next("INVITE"), 200, sdp=SDP.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {host}"))
        await peer.next("ACK")
        peer.answer(await peer.next("BYE"), 200)
        with pytest.raises(PartyError, match=ELSEWHERE):
            await placing
        await call.close()


async def test_the_process_may_call_itself_where_no_agent_may_be(tmp_path: Path) -> None:
    async with a_process(tmp_path) as telephony:
        call = telephony.calls.call(a_claim(11), a_dispatch(mode="sip"), CallClock(1.0, lambda: True), None)
        await call.place()
        held = await call.hold()
        await call.close()
    assert held.end_reason == "caller_hangup"


async def test_a_token_is_good_once_and_only_from_where_its_call_is_placed(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=35_200) as exchange, a_peer() as thief, a_peer() as peer:
        expected = Expected(11, NUMBER, peer.address)
        exchange.inbound.expect(expected)
        us = where(exchange.agent)
        thief.send(thief.invite(us, call="stolen", token=expected.token), us)
        await thief.next("180")
        assert await thief.next("480")
        assert not expected.answered.done()

        peer.send(peer.invite(us, call="meant", token=expected.token), us)
        await peer.next("180")
        answer = await peer.next("200")
        peer.send(peer.request("ACK", us, call="meant", to_tag=answer.to_tag), us)
        answered = await asyncio.wait_for(asyncio.shield(expected.answered), 10)

        peer.send(peer.invite(us, call="replayed", token=expected.token), us)
        await peer.next("403")
        hanging_up = asyncio.ensure_future(answered.hang_up())
        peer.answer(await peer.next("BYE"), 200)
        await hanging_up
        await holds_nothing(exchange)
    assert [one[0] for one in exchange.announced] == [11]
