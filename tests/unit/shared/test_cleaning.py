"""Cleaning goes on while there is a full round's worth, and not for ever."""

import asyncio
from typing import cast

import pytest

from shared.db import cleaning
from shared.db.database import Database

NO_DATABASE = cast(Database, None)


async def rounds_of(left: list[int]) -> int:
    """Clean with rounds that delete so many rows each; return how many rounds there were before the next rest."""
    rounds = 0
    rested = asyncio.Event()

    async def clean_once(_: Database) -> int:
        nonlocal rounds
        rounds += 1
        rows = left.pop(0) if left else 0
        if rows < cleaning.MAX_ROWS or rounds >= cleaning.MAX_ROUNDS:
            rested.set()
        return rows

    task = asyncio.create_task(cleaning.clean_for_ever(NO_DATABASE, clean_once, every_seconds=0.001))
    await asyncio.wait_for(rested.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return rounds


async def test_it_goes_on_as_long_as_rounds_are_full() -> None:
    assert await rounds_of([cleaning.MAX_ROWS, cleaning.MAX_ROWS, 3]) == 3


async def test_it_rests_after_so_many_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "MAX_ROUNDS", 4)
    assert await rounds_of([cleaning.MAX_ROWS] * 100) == 4
