"""sipp's own figure for the calls that `make bench-calls` measures."""

import asyncio

import pytest

from deploy.bench import sipp_calls
from deploy.bench.calls import sipps_table
from deploy.local.missing import Missing
from deploy.local.sip_peers import Stack


@pytest.mark.sip
async def test_two_sipps_hold_the_same_calls(sipp: Stack) -> None:
    figures = await asyncio.to_thread(sipp_calls.sipp_calls, 10, 1.0)
    assert figures.memory_mib > 1


@pytest.mark.sip
async def test_calls_that_sipp_does_not_hold_have_no_figure(sipp: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = {name: scenario.replace("rtp_stream", "command") for name, scenario in sipp_calls._SCENARIOS.items()}
    monkeypatch.setattr(sipp_calls, "_SCENARIOS", silent)
    with pytest.raises(Missing, match="no figure"):
        await asyncio.to_thread(sipp_calls.sipp_calls, 10, 1.0)


def test_where_there_is_no_sipp_the_bench_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> Stack:
        raise Missing("sip-tester is missing. Install it")

    monkeypatch.setattr(sipp_calls, "find_stack", nowhere)
    assert sipps_table(100, 60.0).endswith("sip-tester is missing. Install it")
