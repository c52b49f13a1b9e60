"""Processes that read: what waits is bounded, and one that dies costs what it read, not the server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from deploy.local.settings import LOCAL
from deploy.local.speech.finding import find_flite
from deploy.local.speech.readers import Readers, TooBusy
from deploy.local.speech.recognising import Pocketsphinx
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
SILENCE = bytes(32_000)


@pytest.fixture(scope="module")
async def readers() -> AsyncIterator[Readers]:
    readers = Readers(Pocketsphinx(await asyncio.to_thread(find_flite, LOCAL), max_waiting=2), 1)
    await readers.ready()
    yield readers
    await readers.aclose()


async def test_more_than_may_wait_is_told_to_come_again(readers: Readers) -> None:
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
