"""Calls that we place: what a far end sees, whatever it does."""

import asyncio

import pytest

from services.caller.edges.sip.agent import Credentials, RefusalKind
from services.caller.edges.sip.limits import MAX_BRANCHES_OF_INVITE
from services.caller.edges.sip.user_agent import UserAgent
from tests.integration.sip.calling import a_call_placed, all_forgotten, place, placing, refusal
from tests.support.sip_peer import SDP, SipPeer, a_peer, response
from tests.support.waiting import eventually


async def test_an_invite_is_sent_again_until_something_is_heard(agent: UserAgent, peer: SipPeer) -> None:
    call = place(agent, peer)
    first = await peer.next("INVITE")
    await peer.again(first)
    await peer.again(first)
    peer.answer(first, 180)
    peer.answer(first, 200, sdp=SDP)
    await peer.next("ACK")
    await (await call).hang_up()


async def test_nobody_there_is_unreachable(agent: UserAgent, peer: SipPeer) -> None:
    refused = await refusal(place(agent, peer, ring_limit_seconds=60.0))
    assert (refused.kind, refused.sip_status) == ("unreachable", None)
    assert [peer.heard.get_nowait().method for _ in range(peer.heard.qsize())] == ["INVITE"] * 7
    await all_forgotten(agent)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (486, "busy"),
        (600, "busy"),
        (603, "rejected"),
        (404, "not_found"),
        (403, "forbidden"),
        (480, "no_answer"),
        (488, "unsupported_codec"),
        (503, "unavailable"),
        (302, "redirected"),
    ],
)
async def test_a_refusal_is_acknowledged_and_told(
    agent: UserAgent, peer: SipPeer, status: int, kind: RefusalKind
) -> None:
    call = place(agent, peer)
    invite = await peer.next("INVITE")
    peer.answer(invite, status, headers={"Contact": "<sip:somebody@127.0.0.1:9>"})
    ack = await peer.next("ACK")
    assert ack.branch == invite.branch
    assert ack.first_line.split()[1] == invite.first_line.split()[1]
    assert ack.to_tag == "peer"
    assert ack.header("cseq") == "1 ACK"
    refused = await refusal(call)
    assert (refused.kind, refused.sip_status) == (kind, status)
    peer.answer(invite, status)  # the ACK was lost
    await peer.again(ack)
    await all_forgotten(agent)


async def test_a_call_that_rings_too_long_is_cancelled_and_its_487_acknowledged(
    agent: UserAgent, peer: SipPeer
) -> None:
    call = place(agent, peer, ring_limit_seconds=0.3)
    invite = await peer.next("INVITE")
    peer.answer(invite, 180)
    cancel = await peer.next("CANCEL")
    assert (await refusal(call)).kind == "no_answer"
    assert (cancel.branch, cancel.header("cseq")) == (invite.branch, "1 CANCEL")
    assert cancel.header("to") == invite.header("to")
    peer.answer(cancel, 200)
    peer.answer(invite, 487)
    assert (await peer.next("ACK")).branch == invite.branch
    await all_forgotten(agent)


async def test_nothing_is_cancelled_before_a_provisional_came(agent: UserAgent, peer: SipPeer) -> None:
    call = place(agent, peer, ring_limit_seconds=0.2)
    invite = await peer.next("INVITE")
    assert (await refusal(call)).kind == "unreachable"
    for _ in range(peer.heard.qsize() + 1):
        assert (await peer.heard.get()).method == "INVITE"  # until it comes once more
    peer.answer(invite, 180)
    cancel = await peer.next("CANCEL")
    peer.answer(cancel, 200)
    peer.answer(invite, 487)
    await peer.next("ACK")
    await all_forgotten(agent)


async def test_a_200_that_crosses_the_cancel_gets_ack_and_bye(agent: UserAgent, peer: SipPeer) -> None:
    call = place(agent, peer, ring_limit_seconds=0.2)
    invite = await peer.next("INVITE")
    peer.answer(invite, 180)
    await peer.next("CANCEL")
    peer.answer(invite, 200, sdp=SDP)
    ack = await peer.next("ACK")
    assert (ack.to_tag, ack.branch != invite.branch) == ("peer", True)
    bye = await peer.next("BYE")
    peer.answer(bye, 200)
    assert (await refusal(call)).kind == "no_answer"
    await all_forgotten(agent)


async def test_a_wait_that_is_cancelled_cancels_the_call(agent: UserAgent, peer: SipPeer) -> None:
    call = place(agent, peer)
    invite = await peer.next("INVITE")
    peer.answer(invite, 183)
    call.cancel()
    await asyncio.wait([call])
    peer.answer(await peer.next("CANCEL"), 200)
    peer.answer(invite, 487)
    await peer.next("ACK")
    await all_forgotten(agent)


async def test_a_200_that_comes_again_is_acknowledged_again(agent: UserAgent, peer: SipPeer) -> None:
    call, invite, ack = await a_call_placed(agent, peer)
    peer.answer(invite, 200, sdp=SDP)
    await peer.again(ack)
    await call.hang_up()


async def test_a_second_branch_of_a_fork_is_hung_up(agent: UserAgent, peer: SipPeer) -> None:
    call, invite, _ack = await a_call_placed(agent, peer)
    peer.answer(invite, 200, tag="other", sdp=SDP)
    assert (await peer.next("ACK")).to_tag == "other"
    bye = await peer.next("BYE")
    assert bye.to_tag == "other"
    peer.answer(bye, 200)
    assert not call.ended.done()
    await call.hang_up()


async def test_only_so_many_branches_of_a_fork_are_answered(agent: UserAgent, peer: SipPeer) -> None:
    call, invite, _ack = await a_call_placed(agent, peer)
    for number in range(2 * MAX_BRANCHES_OF_INVITE):
        peer.answer(invite, 200, tag=f"other-{number}", sdp=SDP)

    async def branches_hung_up() -> bool:
        while not peer.heard.empty():
            if (said := peer.heard.get_nowait()).method == "BYE":
                tags.add(said.to_tag)
        return len(tags) == MAX_BRANCHES_OF_INVITE - 1

    tags: set[str] = set()
    await eventually(branches_hung_up)
    await call.hang_up()


async def test_bye_goes_where_contact_says_by_the_way_that_record_route_says(agent: UserAgent, peer: SipPeer) -> None:
    async with a_peer() as proxy, a_peer() as inner:
        routes = [f"<sip:127.0.0.1:{one.address[1]};lr>" for one in (inner, proxy)]
        task = place(agent, peer)
        headers = {"Record-Route": ", ".join(routes), "Contact": "<sip:elsewhere@127.0.0.1:1>"}
        peer.answer(await peer.next("INVITE"), 200, sdp=SDP, headers=headers)
        ack = await proxy.next("ACK")
        assert ack.all("route") == [routes[1], routes[0]]
        assert ack.first_line.split()[1] == "sip:elsewhere@127.0.0.1:1"
        hanging_up = asyncio.create_task((await task).hang_up())
        bye = await proxy.next("BYE")
        assert bye.all("route") == [routes[1], routes[0]]
        proxy.answer(bye, 200)
        await hanging_up


async def test_a_contact_that_may_not_be_dialled_is_asked_where_it_was_dialled(agent: UserAgent, peer: SipPeer) -> None:
    call, _invite, ack = await a_call_placed(agent, peer, {"Contact": "<sip:inside@10.0.0.1:5060>"})
    assert ack.first_line.split()[1] == "sip:inside@10.0.0.1:5060"  # to the address that was dialled
    await call.hang_up()


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::1]", "internal.example.com"])
async def test_a_route_that_leads_inside_is_followed_by_the_address_that_was_dialled(
    agent: UserAgent, peer: SipPeer, host: str
) -> None:
    call, _invite, ack = await a_call_placed(agent, peer, {"Record-Route": f"<sip:{host}:{peer.address[1]};lr>"})
    assert ack.all("route") == [f"<sip:{host}:{peer.address[1]};lr>"]
    hanging_up = asyncio.create_task(call.hang_up())
    peer.answer(await peer.next("BYE"), 200)
    await hanging_up


@pytest.mark.parametrize("algorithm", ["", ", algorithm=MD5", ", algorithm=SHA-256"])
@pytest.mark.parametrize("status", [401, 407])
async def test_a_challenge_is_answered_once(agent: UserAgent, peer: SipPeer, status: int, algorithm: str) -> None:
    call = asyncio.create_task(agent.place(placing(peer.address, credentials=Credentials("me", "secret"))))
    invite = await peer.next("INVITE")
    asks, answers = {401: ("WWW", "Authorization"), 407: ("Proxy", "Proxy-Authorization")}[status]
    challenge = {f"{asks}-Authenticate": f'Digest realm="x", nonce="n1", qop="auth"{algorithm}'}
    peer.answer(invite, status, headers=challenge)
    await peer.next("ACK")
    again = await peer.next("INVITE")
    assert again.header("cseq") == "2 INVITE"
    assert again.header("call-id") == invite.header("call-id")
    assert 'username="me"' in again.header(answers)
    assert "secret" not in again.raw.decode()
    peer.answer(again, status, headers={name: value + ", stale=true" for name, value in challenge.items()})
    await peer.next("ACK")
    once_more = await peer.next("INVITE")
    peer.answer(once_more, status, headers=challenge)
    await peer.next("ACK")
    assert (await refusal(call)).kind == "forbidden"
    await all_forgotten(agent)


async def test_a_bye_that_is_challenged_is_said_again_with_the_answer(agent: UserAgent, peer: SipPeer) -> None:
    task = asyncio.create_task(agent.place(placing(peer.address, credentials=Credentials("me", "secret"))))
    peer.answer(await peer.next("INVITE"), 200, sdp=SDP)
    await peer.next("ACK")
    hanging_up = asyncio.create_task((await task).hang_up())
    bye = await peer.next("BYE")
    peer.answer(bye, 407, headers={"Proxy-Authenticate": 'Digest realm="x", nonce="n", qop="auth"'})
    again = await peer.next("BYE")
    assert 'nonce="n"' in again.header("proxy-authorization")
    peer.answer(again, 200)
    await hanging_up


async def test_a_session_interval_that_is_too_small_is_asked_for_again(agent: UserAgent, peer: SipPeer) -> None:
    call = place(agent, peer)
    peer.answer(await peer.next("INVITE"), 422, headers={"Min-SE": "300"})
    await peer.next("ACK")
    again = await peer.next("INVITE")
    assert again.header("session-expires").startswith("300")
    peer.answer(again, 200, sdp=SDP)
    await peer.next("ACK")
    await (await call).hang_up()


@pytest.mark.parametrize(
    ("sdp", "kind"),
    [
        (SDP.replace("RTP/AVP 0 8 101", "RTP/AVP 9"), "unsupported_codec"),
        (SDP.replace("40000", "0"), "unsupported_codec"),
        (SDP.replace("IP4 127.0.0.1", "IP4 10.1.1.1"), "not_allowed"),
        (SDP.replace("40000", "many"), "broken"),
        ("", "unsupported_codec"),
    ],
)
async def test_an_answer_without_sound_that_we_can_make_is_hung_up(
    agent: UserAgent, peer: SipPeer, sdp: str, kind: RefusalKind
) -> None:
    call = place(agent, peer)
    peer.answer(await peer.next("INVITE"), 200, sdp=sdp)
    await peer.next("ACK")
    peer.answer(await peer.next("BYE"), 200)
    assert (await refusal(call)).kind == kind
    await all_forgotten(agent)


async def test_bye_is_sent_again_until_it_is_answered_and_the_call_has_ended_at_once(
    agent: UserAgent, peer: SipPeer
) -> None:
    call, _invite, _ack = await a_call_placed(agent, peer)
    hanging_up = asyncio.create_task(call.hang_up())
    first = await peer.next("BYE")
    assert call.ended.result().by == "us"
    await peer.again(first)
    peer.answer(first, 200)
    await hanging_up
    await call.hang_up()
    await all_forgotten(agent)


async def test_the_caller_id_is_in_from_and_in_the_asserted_identity(agent: UserAgent, peer: SipPeer) -> None:
    call, invite, _ack = await a_call_placed(agent, peer)
    assert "<sip:+4915@" in invite.header("from")
    assert "<sip:+4915@" in invite.header("p-asserted-identity")
    await call.hang_up()


async def test_ringing_and_set_up_are_measured(agent: UserAgent, peer: SipPeer) -> None:
    task = place(agent, peer)
    invite = await peer.next("INVITE")
    await asyncio.sleep(0.2)  # what is measured here is time
    peer.send(response(invite, 180, tag="peer"), invite.source)
    await asyncio.sleep(0.2)
    peer.answer(invite, 200, sdp=SDP)
    call = await task
    assert 190 <= call.ring_ms < call.setup_ms
    assert call.setup_ms >= 390
    await call.hang_up()
