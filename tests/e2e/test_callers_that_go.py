"""Callers that are restarted, killed or frozen while calls are up: what the far end sees (promises 5, 6, 7 and 14)."""

import asyncio
import signal
import time
from typing import Any

import pytest

from tests.support.books import assert_the_books_balance
from tests.support.far_end import FarEnd, a_far_end
from tests.support.system import SERVICES, System, a_batch
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

SLOTS = 3


async def holds_calls(system: System, name: str, calls: int) -> None:
    """Wait until an instance holds so many calls."""

    async def holds() -> bool:
        text = (await system.client.get(f"{system.ops_url(name)}/metrics")).text
        (line,) = [line for line in text.splitlines() if line.startswith("rehearsal_calls_up ")]
        return float(line.split()[1]) == calls

    await eventually(holds, within_seconds=40, what=f"{name} holds {calls} calls")


async def talking(far_end: FarEnd, calls: int) -> None:
    """Wait until the far end has been spoken to in so many calls that are up."""

    async def talks() -> bool:
        return far_end.up >= calls and sum(len(heard) > 1 for heard in far_end.heard_at.values()) >= calls

    await eventually(talks, within_seconds=40, what=f"{calls} calls are up")


async def test_a_rolling_restart_fails_no_call(system: System) -> None:
    system.start("caller-2")
    await system.ready("caller-2")
    async with a_far_end(talk_seconds=4.0, talks=4) as far_end:  # longer than what a process is given to stop elsewhere
        org = await system.org(agent=far_end.connection, max_concurrent_runs=8)
        assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 12))).status_code == 201
        await talking(far_end, 8)
        for name in ("caller", "caller-2"):
            going = system.processes[name]
            going.terminate()

            async def told(name: str = name) -> dict[str, Any]:
                answer: dict[str, Any] = (await system.client.get(f"{system.ops_url(name)}/readyz")).json()
                return answer if "draining" in answer else {}

            readiness = await eventually(told)
            assert readiness["ready"] is False
            assert readiness["draining"]["waits_for"].endswith("up")
            assert readiness["parts"]["leases"], "leases are kept"
            assert readiness["parts"]["relay"], "and events are published"
            assert await asyncio.to_thread(going.wait, 120) == 0
            system.start(name)
            await system.ready(name)
        runs = await system.all_ended(org, runs=12, within_seconds=120)
    assert {run["status"] for run in runs} == {"completed"}, {run["error_message"] for run in runs}
    assert len(far_end.called_at) == 12, "each was called once"
    assert far_end.most_at_once() <= 8
    await assert_the_books_balance(system, org)


async def test_who_is_told_twice_hangs_up_and_what_was_said_is_kept(system: System) -> None:
    async with a_far_end(talk_seconds=2.0, talks=8) as far_end:
        org = await system.org(agent=far_end.connection)
        await system.post(org, "/v1/test-call-batches", a_batch(org, 2))
        await talking(far_end, 2)
        going = system.processes["caller"]
        going.terminate()
        going.send_signal(signal.SIGTERM)  # two that come at once may be one

        async def gone() -> bool:
            going.send_signal(signal.SIGINT)
            return going.poll() is not None

        await eventually(gone, within_seconds=40)
        system.start("caller")
        runs = await system.all_ended(org, runs=2)
    for run in runs:
        assert (run["status"], run["error_message"]) == ("failed", "The caller was shut down during the call")
        assert run["transcript"][0]["content"].startswith("Hello, how can I help you?")
        assert run["duration_seconds"] >= 1
    await assert_the_books_balance(system, org)


async def test_with_callers_killed_and_frozen_the_far_end_never_sees_more_calls_than_slots(idle_system: System) -> None:
    system = idle_system
    for name in SERVICES:
        system.start(name, CALLS_PER_PROCESS="1")
    await system.ready()  # the first caller publishes for all of them; who may not be frozen is another test's matter
    system.start("caller-2", CALLS_PER_PROCESS="1", CALL_SPEED="1")  # speaks as slowly as people do
    system.start("caller-3", CALLS_PER_PROCESS="1")
    await system.ready("caller-2", "caller-3")
    async with a_far_end(talk_seconds=1.0, talks=6) as far_end:
        org = await system.org(agent=far_end.connection, max_concurrent_runs=SLOTS)
        assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 15))).status_code == 201
        await talking(far_end, SLOTS)

        async def in_the_middle_of_a_sentence() -> int:
            long_ago = time.monotonic() - 2.0
            return next((number for number, since in far_end.listens_since.items() if since < long_ago), 0)

        slow = await eventually(in_the_middle_of_a_sentence, within_seconds=40)
        frozen = system.processes["caller-2"]
        frozen.send_signal(signal.SIGSTOP)
        heard = len(far_end.heard_at[slow])
        await holds_calls(system, "caller-3", 1)
        system.kill("caller-3")
        system.start("caller-4")

        async def slots_are_full_again() -> bool:
            """Both lost runs were found, and others have their slots."""
            ((lost, up),) = await system.rows(
                "SELECT count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'started')"
                " FROM caller.attempts"
            )
            return bool(lost == 2 and up == SLOTS)

        await eventually(slots_are_full_again, within_seconds=60, what="the slots of the lost calls are used again")
        frozen.send_signal(signal.SIGCONT)
        runs = await system.all_ended(org, runs=15, within_seconds=120)
    assert len(far_end.heard_at[slow]) == heard, "the frozen one said not another word when it woke up"
    lost = [run for run in runs if run["status"] == "failed"]
    assert [run["error_message"] for run in lost] == ["The caller was lost during the call"] * 2
    assert far_end.most_at_once() == SLOTS, "never more, and as many as there may be"
    assert 14 <= len(far_end.called_at) <= 15, "each run was called once; the killed one may have been about to"
    await assert_the_books_balance(system, org)
