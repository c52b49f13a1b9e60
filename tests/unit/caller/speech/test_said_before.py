"""A line that was said before is not made again; what is kept is bounded, and a call that is gone harms nobody."""

import asyncio

import pytest

from services.caller.domain.media import SpeechError
from services.caller.edges.speech.limits import MAX_KEPT_LINE_BYTES
from services.caller.edges.speech.said import Said
from tests.support.waiting import eventually


class Making:
    """Makes sound when it may, and notes for whom."""

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.made: list[tuple[str, str]] = []
        self.may = asyncio.Event()
        self.may.set()
        self.fails = False

    async def __call__(self, text: str, voice: str) -> bytes:
        self.made.append((text, voice))
        await self.may.wait()
        if self.fails:
            raise SpeechError("No.")
        return bytes(self.size)


async def test_a_line_is_made_once_for_each_voice() -> None:
    making = Making()
    said = Said(making)
    for _ in range(3):
        await said.say("Hello.", "rms")
        await said.say("Hello.", "awb")
    assert making.made == [("Hello.", "rms"), ("Hello.", "awb")]


async def test_a_hundred_calls_that_begin_at_once_ask_once() -> None:
    making = Making()
    making.may.clear()
    said = Said(making)
    calls = [asyncio.create_task(said.say("Hello.", "rms")) for _ in range(100)]

    async def asked() -> bool:
        return bool(making.made)

    await eventually(asked)
    making.may.set()
    assert len(set(await asyncio.gather(*calls))) == 1
    assert len(making.made) == 1


async def test_a_call_that_is_given_up_takes_nobody_elses_line_with_it() -> None:
    making = Making()
    making.may.clear()
    said = Said(making)
    first, second = (asyncio.create_task(said.say("Hello.", "rms")) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    making.may.set()
    assert await second == bytes(10)
    assert len(making.made) == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_what_failed_is_tried_again() -> None:
    making = Making()
    making.fails = True
    said = Said(making)
    with pytest.raises(SpeechError):
        await said.say("Hello.", "rms")
    making.fails = False
    assert await said.say("Hello.", "rms")


async def test_what_was_used_last_is_kept_and_never_more_than_the_limit() -> None:
    making = Making(size=10)
    said = Said(making, max_bytes=30)
    for text in ("a", "b", "c", "a", "d", "a", "b"):
        await said.say(text, "rms")
    assert [text for text, _ in making.made] == ["a", "b", "c", "d", "b"]
    making.size = MAX_KEPT_LINE_BYTES + 2
    await said.say("long", "rms")
    await said.say("long", "rms")
    await said.say("a", "rms")
    assert [text for text, _ in making.made][-2:] == ["long", "long"], "one long line would push out all others"
