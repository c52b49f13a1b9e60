"""What operators see of SIP: who was turned away and why, how calls came out, what nobody expected."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from services.caller.edges.sip.limits import DoorLimits
from services.caller.edges.sip.user_agent import UserAgent
from tests.integration.sip.calling import Taken, a_call_placed, a_call_taken, all_forgotten, place, refusal
from tests.support.sip_peer import SDP, SipPeer, an_agent, tables, where
from tests.support.waiting import eventually

FLOOD = 300
Change = Callable[[str], str]


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"rehearsal_sip_{metric}_total", labels) or 0.0


def same(invite: str) -> str:
    return invite


def without_contact(invite: str) -> str:
    return invite.replace("Contact:", "X-Contact:")


def asking(header: str) -> Change:
    return lambda invite: invite.replace("Max-Forwards: 70", f"Max-Forwards: 70\r\n{header}")


def offering(sdp: str) -> Change:
    return lambda invite: invite.replace(f"Content-Length: {len(SDP)}", f"Content-Length: {len(sdp)}").replace(SDP, sdp)


@pytest.mark.parametrize(
    ("reason", "change", "status"),
    [
        ("token", lambda invite: invite.replace("Token: let-me-in", "Token: let-me-out"), "403"),
        ("number", lambda invite: invite.replace("INVITE sip:4930100@", "INVITE sip:4930101@"), "404"),
        ("extension", asking("Require: 100rel"), "420"),
        ("session", asking("Session-Expires: 10"), "422"),
        ("contact", without_contact, "400"),
        ("sound", offering("v=0\r\nwhatever"), "488"),
        ("sound", offering(SDP.replace("IP4 127.0.0.1", "IP4 169.254.169.254")), "488"),
        ("sound", lambda invite: invite.replace("application/sdp", "text/plain"), "415"),
    ],
)
async def test_who_is_not_let_in_is_counted_with_the_reason(
    agent: UserAgent, peer: SipPeer, reason: str, change: Change, status: str
) -> None:
    taken = Taken()
    agent.on_invite(taken)
    before = counted("invites_refused", reason=reason)
    peer.send(change(peer.invite(where(agent))), where(agent))
    await peer.next(status)
    assert counted("invites_refused", reason=reason) == before + 1
    assert taken.invited == []
    assert not any(tables(agent).values())


@pytest.mark.parametrize(
    ("reason", "limits"), [("rate", DoorLimits(invites_per_second=0)), ("room", DoorLimits(calls_at_once=0))]
)
async def test_a_flood_is_counted(peer: SipPeer, reason: str, limits: DoorLimits) -> None:
    async with an_agent(limits=limits) as agent:
        agent.on_invite(Taken())
        before = counted("invites_refused", reason=reason)
        peer.send(peer.invite(where(agent)), where(agent))
        await peer.next("503")
        assert counted("invites_refused", reason=reason) == before + 1


async def test_nobody_is_let_in_where_nobody_asks_for_calls(agent: UserAgent, peer: SipPeer) -> None:
    before = counted("invites_refused", reason="closing")
    peer.send(peer.invite(where(agent)), where(agent))
    await peer.next("480")
    assert counted("invites_refused", reason="closing") == before + 1


async def test_a_flood_of_strangers_leaves_nothing_and_keeps_nobody_out(agent: UserAgent, peer: SipPeer) -> None:
    before = counted("invites_refused", reason="token")
    for number in range(FLOOD):
        peer.send(peer.invite(where(agent), call=f"flood-{number}", token="guessed"), where(agent))
        await peer.next("403")
        assert len(agent.core.endpoint.transactions) == 0
    assert counted("invites_refused", reason="token") == before + FLOOD
    call, _answer, _id = await a_call_taken(agent, peer)
    hanging_up = asyncio.create_task(call.hang_up())
    peer.answer(await peer.next("BYE"), 200)
    await hanging_up
    await all_forgotten(agent)


async def test_calls_that_are_placed_are_counted_by_how_that_came_out(agent: UserAgent, peer: SipPeer) -> None:
    before = {one: counted("calls_placed", outcome=one) for one in ("answered", "busy", "unreachable", "given_up")}
    await a_call_placed(agent, peer)
    busy = place(agent, peer)
    peer.answer(await peer.next("INVITE"), 486)
    await peer.next("ACK")
    assert (await refusal(busy)).kind == "busy"
    assert (await refusal(place(agent, peer, ring_limit_seconds=0.1))).kind == "unreachable"
    given_up = place(agent, peer)

    async def being_placed() -> bool:
        return len(agent.core.attempts) > 0

    await eventually(being_placed)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert {one: counted("calls_placed", outcome=one) for one in before} == {one: n + 1 for one, n in before.items()}


async def test_what_nobody_expected_is_counted(
    agent: UserAgent, peer: SipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(request: object) -> None:
        raise KeyError("unheard of")

    monkeypatch.setattr(agent.core.endpoint, "_serve", breaks)
    before = counted("surprises")
    peer.send(peer.invite(where(agent)), where(agent))

    async def survived() -> bool:
        return agent.core.endpoint.surprises == 1

    await eventually(survived)
    assert counted("surprises") == before + 1
