"""A second instance that is told to stop leaves in order, whatever it is in the middle of."""

import asyncio
import signal

import httpx2
import pytest

from tests.support.system import STOP_SECONDS, System
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

LEFT_BEHIND = ("Unclosed", "was destroyed")


async def _stops_in_order(system: System, name: str) -> None:
    process = system.processes.pop(name)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, STOP_SECONDS) == 0, system.tail(name)
    log = (system.logs / f"{name}.log").read_text()
    assert [line for line in log.splitlines() if any(word in line for word in LEFT_BEHIND)] == []


async def test_a_second_instance_that_is_told_to_stop_leaves_nothing_open(idle_system: System) -> None:
    system = idle_system
    system.start("billing")
    await system.ready("billing")

    async def has_begun() -> bool:
        try:
            return (await system.client.get(f"{system.ops_url('billing-2')}/healthz")).status_code == 200
        except httpx2.HTTPError:
            return False

    system.start("billing-2")
    await eventually(has_begun, what="it joins")
    await _stops_in_order(system, "billing-2")
    system.start("billing-2")
    await system.ready("billing-2")
    await _stops_in_order(system, "billing-2")
    system.start("billing-2")
    await system.ready("billing", "billing-2")
    await _stops_in_order(system, "billing")
    await system.ready("billing-2")
    await _stops_in_order(system, "billing-2")
