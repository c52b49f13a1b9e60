"""What happens within a call: hold, another address, refreshes, its end."""

import asyncio
from dataclasses import replace

import pytest

from services.caller.edges.sip.limits import MAX_REQUESTS_OF_CALL_A_SECOND
from services.caller.edges.sip.user_agent import UserAgent
from tests.integration.sip.calling import a_call_placed, a_call_taken, all_forgotten
from tests.support.sip_peer import QUICK, SDP, SipPeer, a_peer, an_agent, where
from tests.support.waiting import eventually


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_hold_and_its_end_are_answered_and_told(agent: UserAgent, peer: SipPeer, direction: str) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    told: list[bool] = []
    call.on_media(lambda: told.append(call.held))
    for cseq, (sdp, answered) in enumerate(
        [
            (SDP + f"a={direction}\r\n", "recvonly" if direction == "sendonly" else "inactive"),
            (SDP.replace("40000", "40002"), "sendrecv"),
        ],
        start=2,
    ):
        again = peer.request("INVITE", where(agent), call=name, to_tag=answer.to_tag, cseq=cseq, body=sdp)
        peer.send(again, where(agent))
        said = await peer.next("200")
        assert f"a={answered}" in said.body
        ack = peer.request("ACK", where(agent), call=name, to_tag=answer.to_tag, cseq=cseq)
        peer.send(ack, where(agent))
    assert told == [True, False]
    assert call.media.port == 40002
    await call.hang_up()


async def test_hold_by_an_address_that_is_none_keeps_the_one_before(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    sdp = SDP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")
    peer.send(peer.request("INVITE", where(agent), call=name, to_tag=answer.to_tag, cseq=2, body=sdp), where(agent))
    await peer.next("200")
    assert (call.held, call.media.host) == (True, "127.0.0.1")
    await call.hang_up()


async def test_sound_is_not_moved_to_an_address_that_may_not_be_called(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    sdp = SDP.replace("IP4 127.0.0.1", "IP4 10.0.0.1")
    peer.send(peer.request("INVITE", where(agent), call=name, to_tag=answer.to_tag, cseq=2, body=sdp), where(agent))
    await peer.next("488")
    assert (call.media.host, call.ended.done()) == ("127.0.0.1", False)
    await call.hang_up()


async def test_a_contact_that_moves_inside_is_asked_where_it_was_before(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    moved = peer.request("UPDATE", where(agent), call=name, to_tag=answer.to_tag, cseq=2)
    peer.send(
        moved.replace(f"Contact: <sip:peer@{peer.address[0]}", "Contact: <sip:peer@169.254.169.254"), where(agent)
    )
    await peer.next("200")
    hanging_up = asyncio.create_task(call.hang_up())
    bye = await peer.next("BYE")
    assert "169.254.169.254" in bye.first_line, "the Contact was taken over, and nothing was sent to it"
    peer.answer(bye, 200)
    await hanging_up


async def test_the_far_end_hangs_up_and_a_bye_that_comes_again_is_answered_again(
    agent: UserAgent, peer: SipPeer
) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    bye = peer.request("BYE", where(agent), call=name, to_tag=answer.to_tag, cseq=2)
    peer.send(bye, where(agent))
    said = await peer.next("200")
    assert (await call.ended).by == "far_end"
    peer.send(bye, where(agent))
    await peer.again(said)
    await all_forgotten(agent)


async def test_the_far_end_of_a_call_that_we_placed_hangs_up(agent: UserAgent, peer: SipPeer) -> None:
    call, invite, _ack = await a_call_placed(agent, peer)
    tag = invite.header("from").partition("tag=")[2]
    bye = peer.request("BYE", where(agent), call=call.call_id, to_tag=tag, cseq=1)
    peer.send(bye.replace(f"tag=peer-{call.call_id}", "tag=peer"), where(agent))
    await peer.next("200")
    assert (await call.ended).by == "far_end"


@pytest.mark.parametrize("wrong", ["to", "from", "call"])
async def test_nobody_else_ends_a_call(agent: UserAgent, peer: SipPeer, wrong: str) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    bye = peer.request("BYE", where(agent), call=name, to_tag=answer.to_tag, cseq=2)
    bye = {
        "to": bye.replace(answer.to_tag, "x" * 20),
        "from": bye.replace(f"tag=peer-{name}", "tag=other"),
        "call": bye.replace(f"Call-ID: {name}", "Call-ID: another"),
    }[wrong]
    async with a_peer() as stranger:
        stranger.send(bye, where(agent))
        await peer.next("481")  # by its Via
    assert not call.ended.done()
    await call.hang_up()


async def test_an_old_request_within_a_call_is_500(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    peer.send(peer.request("BYE", where(agent), call=name, to_tag=answer.to_tag, cseq=1), where(agent))
    await peer.next("500")
    assert not call.ended.done()
    await call.hang_up()


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", "200"), ("REFER", "405"), ("INFO", "405"), ("FLY", "501")])
async def test_other_requests_within_a_call_change_nothing(
    agent: UserAgent, peer: SipPeer, method: str, status: str
) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    request = peer.request(method, where(agent), call=name, to_tag=answer.to_tag, cseq=2, headers="Refer-To: <sip:1@x>")
    peer.send(request, where(agent))
    await peer.next(status)
    assert not call.ended.done()
    await call.hang_up()


async def test_a_far_end_that_asks_and_asks_fills_nothing(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    for cseq in range(2, 102):
        peer.send(peer.request("OPTIONS", where(agent), call=name, to_tag=answer.to_tag, cseq=cseq), where(agent))
    said = [(await peer.heard.get()).method for _ in range(100)]
    assert said.count("200") <= 3 * MAX_REQUESTS_OF_CALL_A_SECOND < said.count("503")
    peer.send(peer.request("BYE", where(agent), call=name, to_tag=answer.to_tag, cseq=200), where(agent))
    assert (await asyncio.wait_for(asyncio.shield(call.ended), 10)).by == "far_end"


async def test_a_session_that_would_end_at_once_is_422(agent: UserAgent, peer: SipPeer) -> None:
    call, answer, name = await a_call_taken(agent, peer)
    headers = "Supported: timer\r\nSession-Expires: 1"
    update = peer.request("UPDATE", where(agent), call=name, to_tag=answer.to_tag, cseq=2, headers=headers)
    peer.send(update, where(agent))
    assert (await peer.next("422")).header("min-se") == "90"
    await call.hang_up()


BRIEF = replace(QUICK, session_expires_seconds=1, min_session_expires_seconds=1)


@pytest.mark.parametrize(("allow", "method"), [("INVITE, UPDATE", "UPDATE"), ("INVITE", "INVITE")])
async def test_we_refresh_a_session_as_the_far_end_can(peer: SipPeer, allow: str, method: str) -> None:
    async with an_agent(BRIEF) as agent:
        headers = {"Session-Expires": "1;refresher=uac", "Allow": allow}
        call, _invite, _ack = await a_call_placed(agent, peer, headers)
        for _ in range(2):
            refresh = await peer.next(method)
            assert refresh.header("session-expires") == "1;refresher=uac"
            peer.answer(refresh, 200, sdp=SDP if method == "INVITE" else "", headers=headers)
            if method == "INVITE":
                await peer.next("ACK")
        assert not call.ended.done()
        await call.hang_up()


async def test_a_far_end_that_died_is_noticed_by_what_it_does_not_answer(peer: SipPeer) -> None:
    async with an_agent(BRIEF) as agent:
        call, _invite, _ack = await a_call_placed(agent, peer)
        assert (await asyncio.wait_for(asyncio.shield(call.ended), 10)).by in ("session_timer", "lost")
        await peer.next("INVITE")
        await peer.next("BYE")


async def test_a_far_end_that_ought_to_refresh_and_does_not_is_hung_up(peer: SipPeer) -> None:
    async with an_agent(BRIEF) as agent:
        call, answer, _ = await a_call_taken(agent, peer, headers="Supported: timer\r\nSession-Expires: 1")
        assert answer.header("session-expires") == "1;refresher=uac"
        assert answer.header("require") == "timer"
        assert (await asyncio.wait_for(asyncio.shield(call.ended), 10)).by == "session_timer"
        await peer.next("BYE")


async def test_a_far_end_that_refreshes_goes_on(peer: SipPeer) -> None:
    async with an_agent(BRIEF) as agent:
        call, answer, name = await a_call_taken(agent, peer, headers="Supported: timer\r\nSession-Expires: 2")
        began_at = asyncio.get_running_loop().time()
        cseq = 1

        async def refreshed_long_enough() -> bool:
            nonlocal cseq
            cseq += 1
            await asyncio.sleep(0.3)  # as often as it may ask
            headers = "Supported: timer\r\nSession-Expires: 2;refresher=uac"
            update = peer.request("UPDATE", where(agent), call=name, to_tag=answer.to_tag, cseq=cseq, headers=headers)
            peer.send(update, where(agent))
            assert (await peer.next("200")).header("session-expires") == "2;refresher=uac"
            return asyncio.get_running_loop().time() - began_at > 2.5

        await eventually(refreshed_long_enough)
        assert not call.ended.done()
        await call.hang_up()
