"""Kamailio between us and us: it asks for a name, records its route, and relays what is said within calls."""

import asyncio
from dataclasses import replace

import pytest

from deploy.local.sip_peers import Stack
from services.caller.edges.sip.agent import Accept, CallRefused, Credentials, Invited, SipCall
from services.caller.edges.sip.user_agent import UserAgent
from tests.support.kamailio import a_proxy
from tests.support.sip_peer import where
from tests.support.sip_stacks import LOCAL_MEDIA, an_open_agent, call_to

CALLS = 20
TRUNK = Credentials("trunk", "secret")


def taken_by(agent: UserAgent) -> asyncio.Queue[SipCall]:
    """Take all calls that come to an agent."""
    calls: asyncio.Queue[SipCall] = asyncio.Queue()

    async def accept(invited: Invited) -> Accept:
        return Accept(LOCAL_MEDIA, calls.put_nowait)

    agent.on_invite(accept)
    return calls


@pytest.mark.sip
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_calls_go_through_a_proxy_that_asks_for_a_name_and_records_its_route(
    kamailio: Stack, algorithm: str
) -> None:
    async with an_open_agent() as caller, an_open_agent() as callee:
        calls = taken_by(callee)
        async with a_proxy(kamailio, where(callee), algorithm) as proxy:
            for number in range(CALLS):
                placed = await caller.place(replace(call_to(proxy), credentials=TRUNK))
                taken = await asyncio.wait_for(calls.get(), 10)
                assert (placed.media.host, taken.media.host) == ("127.0.0.1", "127.0.0.1")
                first, second = (placed, taken) if number % 2 else (taken, placed)
                await first.hang_up()
                ended = await asyncio.wait_for(asyncio.shield(second.ended), 10)
                assert (first.ended.result().by, ended.by) == ("us", "far_end")
            assert not caller.core.calls
            assert not callee.core.calls


@pytest.mark.sip
async def test_a_wrong_password_is_said(kamailio: Stack) -> None:
    async with an_open_agent() as caller, an_open_agent() as callee, a_proxy(kamailio, where(callee), "MD5") as proxy:
        with pytest.raises(CallRefused) as refused:
            await caller.place(replace(call_to(proxy), credentials=Credentials("trunk", "wrong")))
        assert (refused.value.kind, refused.value.sip_status) == ("forbidden", 407)
