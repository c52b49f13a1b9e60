"""What strangers may send: nothing ends the agent, nothing stays, and the next call is a call like any other."""

import asyncio
import os
import random
import re

import pytest

from services.caller.edges.sip.agent import Accept, Address, CallRefused, Invited
from services.caller.edges.sip.user_agent import UserAgent
from tests.integration.sip.calling import LOCAL_MEDIA, a_call_placed, a_call_taken, all_forgotten, place
from tests.support.sip_peer import SDP, SipPeer, a_peer, response, where
from tests.support.sip_torture import Torture, mutated, rfc_4475, valid_messages
from tests.support.waiting import eventually

MUTATIONS = 2_000
MUTATIONS_OF_CAMPAIGN = 50_000
CALLS, ANSWERS = 50, 20
AT_ONCE = 200  # datagrams between two looks at what became of them
SEED = int(os.environ.get("REHEARSAL_SEED", "4475"))


async def accept(invited: Invited) -> Accept:
    """Take any call, whoever is calling: that much is always known."""
    return Accept(LOCAL_MEDIA, lambda call: None)


def eavesdrop(agent: UserAgent, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Keep what the agent would send: strangers' Vias name hosts all over the world."""
    said: list[bytes] = []

    def send(datagram: bytes, to: Address) -> None:
        said.append(datagram)

    monkeypatch.setattr(agent.core.endpoint, "send", send)
    return said


@pytest.mark.parametrize("torture", rfc_4475(), ids=lambda torture: torture.name)
async def test_rfc_4475_is_survived_and_answered(
    agent: UserAgent, torture: Torture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = eavesdrop(agent, monkeypatch)
    monkeypatch.setattr(agent, "_door", type(agent._door)(lambda token: True, lambda number: True))  # all are let in
    agent.on_invite(accept)
    agent.core.endpoint.datagram_received(torture.datagram, ("127.0.0.1", 9))
    first = said[0].split()[1].decode() if said else "-"
    assert first == torture.status
    assert agent.core.endpoint.surprises == 0


async def test_after_all_of_rfc_4475_a_call_is_a_call(agent: UserAgent, peer: SipPeer) -> None:
    agent.on_invite(accept)
    for torture in rfc_4475():
        peer.send(torture.datagram, where(agent))
    await _still_calls(agent, peer)


async def test_mutations_of_valid_messages_are_survived(agent: UserAgent, peer: SipPeer) -> None:
    await _survives(agent, peer, MUTATIONS)


@pytest.mark.campaign
async def test_many_mutations_of_valid_messages_are_survived(agent: UserAgent, peer: SipPeer) -> None:
    await _survives(agent, peer, MUTATIONS_OF_CAMPAIGN)


async def test_mutated_answers_to_our_invites_are_survived(agent: UserAgent, peer: SipPeer) -> None:
    chance = random.Random(SEED)
    calls = [place(agent, peer, ring_limit_seconds=1.0) for _ in range(CALLS)]
    for invite in [await peer.next("INVITE") for _ in calls]:
        for _ in range(ANSWERS):
            status = chance.choice((100, 180, 183, 200, 200, 302, 401, 407, 422, 486, 503))
            headers = {
                "Contact": "<sip:peer@127.0.0.1:9>",
                "Record-Route": "<sip:127.0.0.1:9;lr>",
                "WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"',
                "Session-Expires": "90;refresher=uas",
                "Min-SE": "91",
            }
            said = response(invite, status, tag=f"t{chance.randrange(3)}", sdp=SDP, headers=headers)
            agent.core.endpoint.datagram_received(mutated(chance, said.encode()), peer.address)
    for call in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(call, BaseException):
            assert isinstance(call, CallRefused)
        else:
            await call.hang_up()
    await _still_calls(agent, peer)


async def _survives(agent: UserAgent, peer: SipPeer, mutations: int) -> None:
    """Send mutations, from outside of calls and within one that is up."""
    chance = random.Random(SEED)
    call, answer, name = await a_call_taken(agent, peer)
    agent.on_invite(accept)
    messages = valid_messages()
    within = [_moved_into(message, name, answer.to_tag) for message in messages]
    for number in range(mutations):
        message = mutated(chance, chance.choice(chance.choice((messages, within))))
        agent.core.endpoint.datagram_received(message, ("127.0.0.1", peer.address[1]))
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
    assert agent.core.endpoint.surprises == 0
    if not call.ended.done():
        await call.hang_up()
    await _still_calls(agent, peer)


def _moved_into(message: bytes, call: str, to_tag: str) -> bytes:
    """Make it one of a call that is up."""
    text = message.decode().replace("Call-ID: fuzz", f"Call-ID: {call}").replace("tag=f\r\n", f"tag=peer-{call}\r\n")
    return re.sub(r"(?m)^To: (.*?)\r$", rf"To: \1;tag={to_tag}\r", text).replace("CSeq: ", "CSeq: 1").encode()


async def _still_calls(agent: UserAgent, peer: SipPeer) -> None:
    async def all_was_read() -> bool:
        peer.send(peer.request("OPTIONS", where(agent), call="last"), where(agent))
        return any(peer.heard.get_nowait().header("call-id") == "last" for _ in range(peer.heard.qsize()))

    await eventually(all_was_read)
    for serving in list(agent.core.calls.values()):
        await serving.call.hang_up()
    await all_forgotten(agent)
    async with a_peer() as friend:
        call, _answer, _name = await a_call_taken(agent, friend)
        await call.hang_up()
        await friend.next("BYE")
        placed, _invite, _ack = await a_call_placed(agent, friend)
        await placed.hang_up()
    await all_forgotten(agent)
    assert agent.core.endpoint.surprises == 0
