"""Whoever is told to stop leaves nothing open, whatever it is in the middle of."""

import asyncio
import gc
from typing import Any

import pytest

from tests.infra.resolve import Infra
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_toy, running

pytestmark = pytest.mark.integration

MOMENTS = 16
STEP_SECONDS = 0.008
LEFT_OPEN = ("Unclosed", "was destroyed")


async def test_a_second_instance_that_is_stopped_at_any_moment_leaves_nothing_open(
    toy: Toy, test_database: TestDatabase, infra: Infra, topic_prefix: str
) -> None:
    left: list[str] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if any(word in context["message"] for word in LEFT_OPEN):
            left.append(context["message"])

    asyncio.get_running_loop().set_exception_handler(note)
    async with running(toy):
        for moment in range(MOMENTS):
            second = a_toy(test_database.url("api"), infra.kafka_bootstrap, topic_prefix)
            async with running(second):
                await asyncio.sleep(moment * STEP_SECONDS)  # not a wait for anything: a moment
            del second
            gc.collect()
            assert left == [], moment
