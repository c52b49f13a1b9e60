"""baresip answers, holds, goes on, dials, and hangs up."""

import asyncio
from functools import partial

import pytest

from deploy.local.sip_peers import Stack
from services.caller.edges.sip.agent import PCMA, PCMU, Accept, Invited, SipCall
from tests.support.baresip import a_telephone
from tests.support.sip_stacks import LOCAL_MEDIA, an_open_agent, call_to
from tests.support.waiting import eventually


@pytest.mark.sip
async def test_baresip_answers_holds_goes_on_and_is_hung_up(baresip: Stack) -> None:
    async with an_open_agent() as agent, a_telephone(baresip) as phone:
        call = await agent.place(call_to(phone.address, "baresip"))
        assert (call.media.payload_type, call.media.dtmf_payload_type) == (PCMU, 101)
        for command, held in (("hold", True), ("resume", False)):
            await phone.tell(command)
            await eventually(partial(_holds, call, held), what=command)
        await call.hang_up()
        assert call.ended.result().by == "us"


@pytest.mark.sip
async def test_baresip_dials_and_hangs_up(baresip: Stack) -> None:
    calls: asyncio.Queue[SipCall] = asyncio.Queue()

    async def accept(invited: Invited) -> Accept:
        return Accept(LOCAL_MEDIA, calls.put_nowait)

    async with an_open_agent() as agent, a_telephone(baresip) as phone:
        agent.on_invite(accept)
        await phone.tell("dial", f"sip:4930100@127.0.0.1:{agent.port}")
        call = await asyncio.wait_for(calls.get(), 20)
        assert call.media.payload_type == PCMA  # what it likes best
        await phone.tell("hangup")
        assert (await asyncio.wait_for(asyncio.shield(call.ended), 20)).by == "far_end"


async def _holds(call: SipCall, held: bool) -> bool:
    return call.held is held
