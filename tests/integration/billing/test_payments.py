"""Payments: in and back, each once, exactly, and never one for another."""

from itertools import count
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.billing.domain.account import MAX_BALANCE_CENTS
from shared.db.database import Database
from shared.events.billing import BalanceChanged, ChargeSettled, FundsDeclined, FundsReserved
from shared.events.event import Event
from shared.events.payments import FundsDeposited
from tests.integration.billing.conftest import MakeEar, adjusted, deposited
from tests.support.ear import Ear
from tests.support.ledger import assert_the_ledger_is_sound
from tests.support.some_events import completed, expired, of, requested

pytestmark = pytest.mark.integration

DEAD = "platform-payments-dlq"


def balances(said: list[Event]) -> list[tuple[int, int, int]]:
    """Organisation, balance, held of each change."""
    return [(one.org_id, one.account.balance_cents, one.account.held_cents) for one in of(said, BalanceChanged)]


def refused(kind: str) -> float:
    return REGISTRY.get_sample_value("rehearsal_payments_refused_total", {"kind": kind}) or 0.0


async def rows(database: Database, question: str) -> list[Any]:
    async with database.reading() as transaction:
        return [tuple(row) for row in await transaction.rows(question)]


async def test_a_deposit_counts_once_for_each_organisation(billing: Ear) -> None:
    said = await billing.hear(deposited(100), deposited(100), deposited(70, org_id=2))
    assert balances(said) == [(1, 100, 0), (2, 70, 0)]
    assert await billing.hear(deposited(100)) == []
    assert billing.dead == []


async def test_a_payment_that_is_taken_back_leaves_the_account_and_the_books_balance(
    billing: Ear, database: Database
) -> None:
    await billing.hear(deposited(100))
    (said,) = await billing.hear(adjusted(-30, reason="charged back by the bank"))
    assert isinstance(said, BalanceChanged)
    assert [(one.kind, one.amount_cents, one.balance_cents) for one in said.entries] == [("adjustment", -30, 70)]
    assert said.account.balance_cents == 70
    assert await rows(
        database,
        "SELECT amount_cents, debit_account, credit_account, reason FROM ledger WHERE kind = 'adjustment'",
    ) == [(30, "org:1:available", "cash", "charged back by the bank")]
    await assert_the_ledger_is_sound(database)


async def test_what_is_given_can_be_held(billing: Ear, database: Database) -> None:
    assert balances(await billing.hear(adjusted(16))) == [(1, 16, 0)]
    assert of(await billing.hear(requested(11)), FundsReserved)
    await assert_the_ledger_is_sound(database)


async def test_an_adjustment_counts_once_however_often_it_comes(billing: Ear, database: Database) -> None:
    said = await billing.hear(deposited(100), adjusted(-30), adjusted(-30))
    assert balances(said) == [(1, 100, 0), (1, 70, 0)]
    assert await billing.hear(adjusted(-30), adjusted(-30, reason="told in other words")) == []
    assert billing.dead == []
    await assert_the_ledger_is_sound(database)


async def test_one_id_is_two_payments_in_two_organisations_and_as_deposit_and_adjustment(billing: Ear) -> None:
    said = await billing.hear(
        deposited(100), deposited(70, org_id=2), adjusted(-10), adjusted(-20, org_id=2), adjusted(5, org_id=3)
    )
    assert balances(said) == [(1, 100, 0), (2, 70, 0), (1, 90, 0), (2, 50, 0), (3, 5, 0)]
    assert billing.dead == []


async def test_what_is_held_stays_payable_when_the_payment_is_taken_back(billing: Ear, database: Database) -> None:
    await billing.hear(deposited(100), requested(11), requested(12))
    (said,) = await billing.hear(adjusted(-90))
    assert isinstance(said, BalanceChanged)
    assert (said.account.balance_cents, said.account.held_cents) == (10, 32)
    (declined,) = await billing.hear(requested(13))
    assert isinstance(declined, FundsDeclined)
    assert (declined.reason, declined.account and declined.account.balance_cents) == ("insufficient_funds", 10)
    (settled,) = await billing.hear(completed(11))
    assert isinstance(settled, ChargeSettled)
    assert (settled.settled_cents, settled.account.balance_cents, settled.account.held_cents) == (16, -6, 16)
    await billing.hear(expired(12))
    assert await rows(database, "SELECT balance_cents, held_cents FROM accounts") == [(-6, 0)]
    await assert_the_ledger_is_sound(database)


async def test_what_was_spent_of_a_payment_taken_back_is_owed_until_it_is_paid(
    billing: Ear, database: Database
) -> None:
    await billing.hear(deposited(32), requested(11))
    await billing.hear(completed(11))
    assert balances(await billing.hear(adjusted(-32))) == [(1, -16, 0)]
    assert of(await billing.hear(requested(12)), FundsDeclined)
    assert balances(await billing.hear(deposited(31, deposit_id="second"))) == [(1, 15, 0)]
    assert of(await billing.hear(requested(13)), FundsDeclined)
    assert balances(await billing.hear(deposited(1, deposit_id="third"))) == [(1, 16, 0)]
    assert of(await billing.hear(requested(14)), FundsReserved)
    await assert_the_ledger_is_sound(database)


async def test_a_free_call_is_not_started_on_debts(billing: Ear) -> None:
    await billing.hear(adjusted(-1))
    free = requested(11).model_copy(
        update={"price": requested(11).price.model_copy(update={"tariff_cents_per_minute": 0})}
    )
    assert of(await billing.hear(free), FundsDeclined)


@pytest.mark.parametrize("first", [deposited(100), adjusted(100), adjusted(-100)], ids=["deposit", "gift", "taken"])
@pytest.mark.parametrize("other_cents", [99, 101, 1])
async def test_an_id_that_comes_again_with_another_amount_goes_to_the_dead_letters_and_the_rest_goes_on(
    billing: Ear, database: Database, first: Event, other_cents: int
) -> None:
    kind = "deposit" if isinstance(first, FundsDeposited) else "adjustment"
    other = first.model_copy(update={"amount_cents": other_cents})
    fresh = count(1)
    for poll in ([first, other], [other], [first, other, first]):
        before = refused(kind)
        good = [deposited(7, org_id=9, deposit_id=f"good {next(fresh)}") for _ in range(3)]
        said = await billing.hear(good[0], *poll[:1], good[1], *poll[1:], good[2])
        assert len([one for one in balances(said) if one[0] == 9]) == 3
        assert refused(kind) == before + 1
    assert billing.dead == [DEAD] * 3
    assert set(billing.reasons) == {"the id of this payment was used before, with another amount"}
    assert await rows(database, "SELECT count(*) FROM ledger WHERE org_id = 1") == [(1,)]
    await assert_the_ledger_is_sound(database)


async def test_the_opposite_of_an_adjustment_is_another_amount(billing: Ear) -> None:
    await billing.hear(adjusted(-30))
    assert await billing.hear(adjusted(30)) == []
    assert billing.dead == [DEAD]


async def test_two_instances_that_hear_one_id_with_two_amounts_post_one_of_them(
    make_ear: MakeEar, database: Database
) -> None:
    first, second = await make_ear(1), await make_ear(2)
    await first.hear(deposited(100))
    assert await second.hear(deposited(200)) == []
    assert second.dead == [DEAD]
    assert await rows(database, "SELECT balance_cents FROM accounts") == [(100,)]


@pytest.mark.parametrize("payment", [deposited(100), adjusted(-100)], ids=["deposit", "adjustment"])
async def test_another_currency_is_a_dead_letter_that_names_it(billing: Ear, payment: Event) -> None:
    await billing.hear(payment)
    kind = "deposit" if isinstance(payment, FundsDeposited) else "adjustment"
    before = refused(kind)
    foreign = payment.model_copy(update={"currency": "eur"})
    said = await billing.hear(foreign, deposited(7, org_id=2))
    assert balances(said) == [(2, 7, 0)]
    assert billing.dead == [DEAD]
    assert "currency" in billing.reasons[0]
    assert refused(kind) == before + 1


@pytest.mark.parametrize("cents", [0, MAX_BALANCE_CENTS + 1, -MAX_BALANCE_CENTS - 1])
async def test_an_adjustment_of_nothing_or_of_too_much_is_a_dead_letter(billing: Ear, cents: int) -> None:
    assert await billing.hear(adjusted(1).model_copy(update={"amount_cents": cents})) == []
    assert billing.dead == [DEAD]
    assert "amount_cents" in billing.reasons[0]


@pytest.mark.parametrize(
    "too_much",
    [
        deposited(MAX_BALANCE_CENTS, deposit_id="too much"),
        adjusted(MAX_BALANCE_CENTS, adjustment_id="too much"),
    ],
    ids=["deposit", "adjustment"],
)
async def test_a_payment_that_no_account_can_hold_goes_to_the_dead_letters_alone(billing: Ear, too_much: Event) -> None:
    said = await billing.hear(deposited(100), too_much, deposited(50, deposit_id="third"))
    assert balances(said) == [(1, 100, 0), (1, 150, 0)]
    assert billing.dead == [DEAD]


async def test_no_debt_is_larger_than_the_largest_balance_even_when_all_holds_are_charged(
    billing: Ear, database: Database
) -> None:
    await billing.hear(deposited(16), requested(11))
    assert len(await billing.hear(adjusted(-MAX_BALANCE_CENTS, adjustment_id="to the last cent"))) == 1
    assert await billing.hear(adjusted(-1, adjustment_id="one more")) == []
    assert billing.dead == [DEAD]
    assert of(await billing.hear(completed(11)), ChargeSettled)
    await assert_the_ledger_is_sound(database)
