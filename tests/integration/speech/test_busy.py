"""Processes that read: what waits is bounded, and one that dies costs what it read, not the server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from deploy.local.settings import LOCAL
from deploy.local.speech import readers as readers_module
from deploy.local.speech.finding import find_flite
from deploy.local.speech.readers import Readers, TooBusy
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
SILENCE = bytes(32_000)


@pytest.fixture(scope="module")
async def readers() -> AsyncIterator[Readers]:
    readers = Readers(await asyncio.to_thread(find_flite, LOCAL), 1)
    await readers.ready()
    yield readers
    await readers.aclose()


async def test_more_than_may_wait_is_told_to_come_again(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers_module, "MAX_WAITING_READINGS", 2)
    answers = await asyncio.gather(*(readers.read(SILENCE, ()) for _ in range(8)), return_exceptions=True)
    assert [answer for answer in answers if answer == ""] == [""] * 3
    assert sum(isinstance(answer, TooBusy) for answer in answers) == 5
    assert await readers.read(SILENCE, ()) == "", "room comes back"


async def test_processes_that_die_are_started_anew(readers: Readers) -> None:
    (pid,) = readers._pool._processes
    os.kill(pid, signal.SIGKILL)

    async def reads() -> bool:
        try:
            return await readers.read(SILENCE, ()) == ""
        except TooBusy:
            return False

    await eventually(reads, within_seconds=90, what="it reads again")
    assert pid not in readers._pool._processes
