"""A poll is concluded once, after its use cases and in their transaction; polls are as far apart as a service likes."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.db.transaction import Transaction
from shared.messaging.messages import Say
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def _wait_for(toy: Toy, *ids: str) -> None:
    async def there() -> bool:
        return await toy.ids() == list(ids)

    await eventually(there, what=f"the deposits {ids}")


async def test_a_poll_is_concluded_once_after_its_use_cases_and_what_it_says_leaves(
    toy: Toy, test_database: TestDatabase
) -> None:
    polls: list[tuple[int, int]] = []

    async def conclude(transaction: Transaction) -> Sequence[Say]:
        written = await transaction.value(
            "SELECT count(*) FROM toy_deposits WHERE transaction_id = txid_current()"  # only its own poll's are so
        )
        polls.append((written, await transaction.value("SELECT txid_current()")))
        return [Say(a_deposit("concluded", org_id=2), None)] if len(polls) == 1 else []

    await toy.publish(*(a_deposit(f"d{n}") for n in range(20)))
    concluding = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, conclude=conclude)
    async with running(concluding):
        await _wait_for(concluding, *(f"d{n}" for n in range(20)), "concluded")
        assert polls[0] == (20, await concluding.value("SELECT min(transaction_id) FROM toy_deposits"))


async def test_a_conclusion_that_fails_takes_its_poll_back_and_the_poll_comes_again(
    toy: Toy, test_database: TestDatabase
) -> None:
    failures = 0

    async def conclude(_: Transaction) -> Sequence[Say]:
        nonlocal failures
        if failures == 0:
            failures += 1
            raise ConnectionResetError
        return []

    await toy.publish(a_deposit("d1"), a_deposit("d2"))
    concluding = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, conclude=conclude)
    async with running(concluding):
        await _wait_for(concluding, "d1", "d2")
        assert failures == 1
        assert await concluding.value("SELECT sum(next_offset) FROM consumer_offsets") == 2


async def test_a_service_that_likes_fuller_polls_hears_at_once_what_is_said_one_after_the_other(
    toy: Toy, test_database: TestDatabase
) -> None:
    patient = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, gather_seconds=2.0)
    async with running(patient):
        await toy.publish(a_deposit("d0"))
        await _wait_for(patient, "d0")
        await toy.publish(a_deposit("d1"))
        await asyncio.sleep(0.3)
        await toy.publish(a_deposit("d2"))
        await _wait_for(patient, "d0", "d1", "d2")
        polls = "SELECT count(DISTINCT transaction_id) FROM toy_deposits WHERE deposit_id <> 'd0'"
        assert await patient.value(polls) == 1
