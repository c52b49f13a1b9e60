"""Waiting for an event, with a deadline: never a sleep and a hope."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


async def eventually(question: Callable[[], Awaitable[T]], *, within_seconds: float = 20.0, what: str = "") -> T:
    """Ask until the answer is true, and return it. Fails with the last answer when the deadline has passed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        answer = await question()
        if answer:
            return answer
        if loop.time() > deadline:
            raise AssertionError(f"{what or 'it'} did not happen within {within_seconds} s; last answer: {answer!r}")
        await asyncio.sleep(POLL_SECONDS)
