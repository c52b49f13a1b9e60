"""sipp as caller and as callee, on a good network and on a bad one. Whole: `make test-sip`."""

import pytest

from deploy.local.sip_peers import Stack
from tests.support.sip_stacks import an_open_agent, lose, place_calls, take_calls

CALLS = 200
LOSS = 0.1
LEAST_WITH_LOSS = 196  # 98 %


@pytest.mark.sip
async def test_sipp_places_200_calls_and_none_fails(sipp: Stack) -> None:
    async with an_open_agent() as agent:
        assert await take_calls(agent, sipp, CALLS) == CALLS
        assert not agent.core.calls


@pytest.mark.sip
async def test_sipp_takes_200_calls_and_none_fails(sipp: Stack) -> None:
    async with an_open_agent() as agent:
        assert await place_calls(agent, sipp, CALLS) == (CALLS, CALLS)
        assert not agent.core.calls


@pytest.mark.sip
async def test_with_a_tenth_lost_each_way_sipp_still_places_its_calls(sipp: Stack) -> None:
    async with an_open_agent() as agent:
        lose(agent, LOSS)
        assert await take_calls(agent, sipp, CALLS) >= LEAST_WITH_LOSS


@pytest.mark.sip
async def test_with_a_tenth_lost_each_way_sipp_still_takes_its_calls(sipp: Stack) -> None:
    async with an_open_agent() as agent:
        lose(agent, LOSS)
        ours, sipps = await place_calls(agent, sipp, CALLS)
        assert min(ours, sipps) >= LEAST_WITH_LOSS


async def test_20_calls_each_way_go_well_with_sipp(sipp: Stack) -> None:
    """The short form, which runs in `make test`."""
    async with an_open_agent() as agent:
        assert await take_calls(agent, sipp, 20) == 20
        assert await place_calls(agent, sipp, 20) == (20, 20)
