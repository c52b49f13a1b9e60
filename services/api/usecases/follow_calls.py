"""Follow runs: started, completed, failed, expired."""

from collections.abc import Sequence

from services.api.ports import Picture
from shared.events.admissions import TestCallExpired
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from shared.messaging.messages import Heard, Say


async def fail_expired(picture: Picture, heard: Sequence[Heard[TestCallExpired]]) -> list[Say]:
    """Fail queued runs that were given up before their dispatch."""
    await picture.fail_queued(
        {one.event.run_id: one.event.reason for one in heard},
        {one.event.run_id: one.event.expired_at for one in heard},
    )
    return []


async def start_calls(picture: Picture, heard: Sequence[Heard[CallStarted]]) -> list[Say]:
    """Put runs in progress, with their calls."""
    await picture.start([one.event for one in heard])
    return []


async def complete_calls(picture: Picture, heard: Sequence[Heard[TestCallCompleted]]) -> list[Say]:
    """Complete runs and their calls, with transcripts."""
    await picture.complete([one.event for one in heard])
    return []


async def fail_calls(picture: Picture, heard: Sequence[Heard[TestCallFailed]]) -> list[Say]:
    """Fail runs and their calls, if there was one."""
    await picture.fail([one.event for one in heard])
    return []
