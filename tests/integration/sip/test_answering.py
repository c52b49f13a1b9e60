"""Calls that come in: who is let in, and what they hear."""

import asyncio

import pytest

from services.caller.edges.sip.agent import Invited, Refuse
from services.caller.edges.sip.limits import INVITES_PER_SECOND, DoorLimits
from services.caller.edges.sip.user_agent import UserAgent
from tests.integration.sip.calling import Taken, a_call_taken, all_forgotten
from tests.support.sip_peer import NUMBER, SDP, TOKEN, Said, SipPeer, an_agent, tables, where
from tests.support.waiting import eventually


async def test_a_call_rings_is_answered_and_is_handed_out_with_its_ack(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, _ = await a_call_taken(agent, peer)
    assert (call.media.host, call.media.port, call.media.dtmf_payload_type) == ("127.0.0.1", 40000, 101)
    assert "m=audio 30000 RTP/AVP 0 101" in answer.body
    await call.hang_up()


async def test_an_invite_that_comes_again_runs_its_handler_once(agent: UserAgent, peer: SipPeer) -> None:
    taken = Taken()
    agent.on_invite(taken)
    invite = peer.invite(where(agent), call="twice")
    for _ in range(3):
        peer.send(invite, where(agent))
    answer = await _after_180(peer)
    peer.send(invite, where(agent))
    while (said := await peer.heard.get()).raw != answer.raw:  # until its ACK
        assert said.method == "180"
    peer.send(peer.request("ACK", where(agent), call="twice", to_tag=answer.to_tag), where(agent))
    peer.send(invite, where(agent))
    await (await asyncio.wait_for(taken.calls.get(), 10)).hang_up()
    assert len(taken.invited) == 1
    await all_forgotten(agent)


async def test_a_200_without_an_ack_ends_in_bye_and_nobody_gets_the_call(agent: UserAgent, peer: SipPeer) -> None:
    taken = Taken()
    agent.on_invite(taken)
    peer.send(peer.invite(where(agent)), where(agent))
    await _after_180(peer)
    peer.answer(await peer.next("BYE"), 200)
    assert (taken.abandoned, taken.calls.qsize()) == (1, 0)
    await all_forgotten(agent)


async def test_a_caller_who_cancels_gets_487_and_the_handler_is_told(agent: UserAgent, peer: SipPeer) -> None:
    taken = Taken()
    taken.may_answer.clear()
    agent.on_invite(taken)
    invite = peer.request("INVITE", where(agent), call="gone", branch="z9hG4bKcancelled", body=SDP, token=TOKEN)
    peer.send(invite, where(agent))
    await peer.next("180")
    peer.send(peer.request("CANCEL", where(agent), call="gone", branch="z9hG4bKcancelled"), where(agent))
    said = [await peer.next("200"), await peer.next("487")]
    assert {one.header("cseq") for one in said} == {"1 CANCEL", "1 INVITE"}
    await peer.again(said[1])  # until its ACK
    ack = peer.request("ACK", where(agent), call="gone", to_tag=said[1].to_tag, branch="z9hG4bKcancelled")
    peer.send(ack, where(agent))
    await all_forgotten(agent)
    assert taken.cancelled == 1


async def test_a_cancel_of_nothing_is_481(agent: UserAgent, peer: SipPeer) -> None:
    peer.send(peer.request("CANCEL", where(agent), call="never"), where(agent))
    await peer.next("481")


@pytest.mark.parametrize(("token", "user", "status"), [("", NUMBER, "403"), ("no", NUMBER, "403"), (TOKEN, "1", "404")])
async def test_strangers_are_refused_before_anybody_is_asked_and_nothing_is_kept(
    agent: UserAgent, peer: SipPeer, token: str, user: str, status: str
) -> None:
    taken = Taken()
    agent.on_invite(taken)
    invite = peer.request("INVITE", where(agent), call="x", token=token, user=user, body=SDP)
    peer.send(invite, where(agent))
    refused = await peer.next(status)
    peer.send(invite, where(agent))
    await peer.again(refused)
    assert not any(tables(agent).values())
    assert taken.invited == []


async def test_calls_above_the_rate_and_above_the_room_are_503(peer: SipPeer) -> None:
    for limits, let_in in ((DoorLimits(invites_per_second=3), 3), (DoorLimits(calls_at_once=2), 2)):
        async with an_agent(limits=limits) as agent:
            taken = Taken()
            taken.may_answer.clear()
            agent.on_invite(taken)
            for number in range(let_in + 1):
                peer.send(peer.invite(where(agent), call=f"many-{let_in}-{number}"), where(agent))
            for _ in range(let_in):
                await peer.next("180")
            assert (await peer.next("503")).header("retry-after")
            assert len(taken.invited) == let_in
        for _ in range(let_in):
            await peer.next("480")


async def test_a_process_that_fills_its_room_at_once_is_not_refused_by_its_own_door(peer: SipPeer) -> None:
    calls = 2 * INVITES_PER_SECOND
    async with an_agent(limits=DoorLimits.for_calls(calls)) as agent:
        taken = Taken()
        taken.may_answer.clear()
        agent.on_invite(taken)
        for number in range(calls):
            peer.send(peer.invite(where(agent), call=f"at-once-{number}"), where(agent))
        for _ in range(calls):
            await peer.next("180")
        assert len(taken.invited) == calls


async def test_room_comes_back_when_calls_end(peer: SipPeer) -> None:
    async with an_agent(limits=DoorLimits(calls_at_once=1)) as agent:
        for number in range(3):
            call, _, _ = await a_call_taken(agent, peer, headers=f"X-N: {number}")
            await call.hang_up()
            await peer.next("BYE")
            await all_forgotten(agent)


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", "200"), ("REGISTER", "405"), ("REFER", "405"), ("SUBSCRIBE", "405"), ("FLY", "501"), ("BYE", "481")],
)
async def test_what_is_asked_outside_of_calls_is_answered_and_forgotten(
    agent: UserAgent, peer: SipPeer, method: str, status: str
) -> None:
    peer.send(peer.request(method, where(agent), call="o", headers="Refer-To: <sip:1@127.0.0.1>"), where(agent))
    answer = await peer.next(status)
    assert ("REFER" in answer.header("allow")) is False
    assert not any(tables(agent).values())


@pytest.mark.parametrize(
    ("headers", "sdp", "status"),
    [
        ("Require: 100rel, timer", SDP, "420"),
        ("Session-Expires: 20", SDP, "422"),
        ("Replaces: a;to-tag=b;from-tag=c\r\nRequire: replaces", SDP, "420"),
        ("", SDP.replace("0 8 101", "9 18"), "488"),
        ("", SDP.replace("IP4 127.0.0.1", "IP4 10.0.0.1"), "488"),
        ("", SDP.replace("40000", "nowhere"), "400"),
        ("Content-Encoding: gzip", SDP, "415"),
    ],
)
async def test_what_cannot_be_served_is_named(
    agent: UserAgent, peer: SipPeer, headers: str, sdp: str, status: str
) -> None:
    agent.on_invite(Taken())
    peer.send(peer.invite(where(agent), headers=headers, sdp=sdp), where(agent))
    await peer.next(status)
    assert not any(tables(agent).values())


async def test_the_same_call_by_two_ways_is_482(agent: UserAgent, peer: SipPeer) -> None:
    taken = Taken()
    taken.may_answer.clear()
    agent.on_invite(taken)
    peer.send(peer.invite(where(agent), call="merged"), where(agent))
    await peer.next("180")
    peer.send(peer.invite(where(agent), call="merged"), where(agent))
    await peer.next("482")
    assert len(taken.invited) == 1


async def test_an_offer_may_come_with_the_ack_as_an_answer(agent: UserAgent, peer: SipPeer) -> None:
    taken = Taken()
    agent.on_invite(taken)
    peer.send(peer.invite(where(agent), call="late", sdp=""), where(agent))
    answer = await _after_180(peer)
    assert "m=audio 30000 RTP/AVP 0 8 101" in answer.body
    peer.send(peer.request("ACK", where(agent), call="late", to_tag=answer.to_tag, body=SDP), where(agent))
    call = await asyncio.wait_for(taken.calls.get(), 10)
    assert call.media.port == 40000
    await call.hang_up()


async def test_record_route_is_copied_and_followed_in_its_order(agent: UserAgent, peer: SipPeer) -> None:
    host, port = peer.address
    routes = f"Record-Route: <sip:{host}:{port};lr>\r\nRecord-Route: <sip:{host}:1;lr>"
    call, answer, _ = await a_call_taken(agent, peer, headers=routes)
    assert answer.all("record-route") == [f"<sip:{host}:{port};lr>", f"<sip:{host}:1;lr>"]
    hanging_up = asyncio.create_task(call.hang_up())
    bye = await peer.next("BYE")
    assert bye.all("route") == answer.all("record-route")
    peer.answer(bye, 200)
    await hanging_up


async def test_a_refusal_of_the_handler_is_sent_and_one_that_breaks_is_500(agent: UserAgent, peer: SipPeer) -> None:
    async def busy(invited: Invited) -> Refuse:
        return Refuse(486)

    async def breaks(invited: Invited) -> Refuse:
        raise ValueError("a number that must not be logged")

    for handler, status in ((busy, "486"), (breaks, "500")):
        agent.on_invite(handler)
        peer.send(peer.invite(where(agent)), where(agent))
        await peer.next("180")
        await peer.next(status)

    async def all_let_go() -> bool:
        return tables(agent)["let_in"] == 0

    await eventually(all_let_go)


async def test_all_are_hung_up_and_nobody_is_let_in_any_more(agent: UserAgent, peer: SipPeer) -> None:
    await a_call_taken(agent, peer)
    taken = Taken()
    taken.may_answer.clear()
    agent.on_invite(taken)
    peer.send(peer.invite(where(agent), call="rings"), where(agent))
    await peer.next("180")
    hanging_up = asyncio.create_task(agent.hang_up_all())
    assert {(await peer.next("480")).method, (await peer.next("BYE")).method}
    await hanging_up
    peer.send(peer.invite(where(agent), call="too late"), where(agent))
    await peer.next("480")


async def _after_180(peer: SipPeer) -> Said:
    await peer.next("180")
    return await peer.next("200")
