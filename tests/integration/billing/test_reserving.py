"""Holding funds: all runs of a request or none, once, and never more than there is."""

import asyncio
from collections.abc import Callable

import pytest

from shared.db.database import Database
from shared.events.billing import FundsDeclined, FundsReserved
from shared.events.event import Event
from tests.integration.billing.conftest import MakeEar, deposited
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import expired, failed, of, requested

pytestmark = pytest.mark.integration

End = Callable[[int], Event]


async def test_a_covered_request_is_held_for(billing: Ear) -> None:
    await billing.hear(deposited(100))
    (said,) = await billing.hear(requested(11, 12))
    assert isinstance(said, FundsReserved)
    assert (said.run_ids, said.held_cents_per_run) == ((11, 12), 16)
    assert (said.account.balance_cents, said.account.held_cents) == (100, 32)
    assert [(entry.kind, entry.run_id, entry.amount_cents, entry.held_cents) for entry in said.entries] == [
        ("hold", 11, 16, 16),
        ("hold", 12, 16, 32),
    ]


async def test_a_request_that_is_not_covered_to_the_last_run_holds_nothing(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(47))
    (said,) = await billing.hear(requested(11, 12, 13))
    assert isinstance(said, FundsDeclined)
    assert (said.reason, said.account.held_cents if said.account else None) == ("insufficient_funds", 0)
    await assert_the_ledger_is_sound(database)


async def test_an_organisation_nobody_heard_of_has_no_funds(billing: Ear) -> None:
    (said,) = await billing.hear(requested(11, org_id=99))
    assert isinstance(said, FundsDeclined)


async def test_in_one_poll_requests_are_answered_in_their_order_until_the_funds_are_gone(billing: Ear) -> None:
    said = await billing.hear(requested(11), requested(12), requested(13), deposited(32))
    assert [one.request_id for one in of(said, FundsReserved)] == [11, 12]
    assert [one.request_id for one in of(said, FundsDeclined)] == [13]


async def test_a_request_heard_twice_in_one_poll_or_later_is_answered_once(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100))
    assert len(await billing.hear(requested(11, 12), requested(11, 12))) == 1
    assert await billing.hear(requested(11, 12)) == []
    assert await billing.hear(deposited(100)) == []
    assert billing.dead == [], "a duplicate is nothing to bury"
    await assert_the_ledger_is_sound(database)


async def test_a_declined_request_stays_declined_when_money_comes(billing: Ear) -> None:
    await billing.hear(requested(11))
    await billing.hear(deposited(100))
    assert await billing.hear(requested(11)) == []


@pytest.mark.parametrize("end", [expired, failed])
async def test_a_run_that_ended_before_its_request_was_heard_is_not_held_for(billing: Ear, end: End) -> None:
    await billing.hear(deposited(100))
    assert await billing.hear(end(12)) == []
    (said,) = await billing.hear(requested(11, 12))
    assert isinstance(said, FundsReserved)
    assert said.run_ids == (11,)
    assert said.account.held_cents == 16
    assert await billing.hear(end(12)) == [], "there is nothing to release"


async def test_a_request_of_which_no_run_is_left_is_declined(billing: Ear) -> None:
    await billing.hear(deposited(100), expired(11), expired(12))
    (said,) = await billing.hear(requested(11, 12))
    assert isinstance(said, FundsDeclined)
    assert said.reason == "request_expired"


async def test_instances_that_compete_for_one_account_never_hold_more_than_there_is(
    make_ear: MakeEar, database: Database
) -> None:
    first = await make_ear(0)
    await first.hear(deposited(16 * 25))
    ears = [await make_ear(partition) for partition in range(1, 9)]
    await asyncio.gather(
        *(
            ear.hear(*(requested(100 * ear.partition + nth) for nth in range(1, 11)))  # 80 runs for 25 holds
            for ear in ears
        )
    )
    async with database.reading() as transaction:
        answers = await transaction.rows("SELECT answer, count(*) AS n FROM requests GROUP BY answer")
    assert {row.answer: row.n for row in answers} == {"reserved": 25, "insufficient_funds": 55}
    await assert_the_ledger_is_sound(database)


async def test_an_unreadable_request_is_declined_by_its_headers_once(billing: Ear) -> None:
    (said,) = await billing.hear_garbage(requested(11))
    assert isinstance(said, FundsDeclined)
    assert (said.request_id, said.org_id, said.reason) == (11, None, "unreadable_request")
    assert await billing.hear_garbage(requested(11)) == []
    assert billing.dead == ["test-call-requests-dlq"] * 2
