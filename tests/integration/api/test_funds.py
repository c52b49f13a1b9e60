"""Funds: available = balance − held − estimates that billing has not answered yet."""

import pytest

from shared.events.billing import Account, BalanceChanged
from tests.integration.api.builders import Org, an_agent
from tests.integration.api.harness import Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration


async def money(api: Api, org: Org) -> tuple[int, int, int]:
    """Balance, held, available."""
    funds = await api.funds(org)
    return funds["balance_cents"], funds["held_cents"], funds["available_cents"]


async def test_an_organisation_that_never_paid_has_nothing(api: Api) -> None:
    org = await api.org(funds_cents=0)
    assert await money(api, org) == (0, 0, 0)
    async with api.storing_nothing():
        assert_problem(await api.call(org), 402, "insufficient_balance")


@pytest.mark.parametrize(("funds_cents", "status"), [(15, 402), (16, 201), (17, 201)])
async def test_a_run_needs_exactly_its_estimate(api: Api, funds_cents: int, status: int) -> None:
    assert (await api.call(await api.org(funds_cents=funds_cents))).status_code == status


@pytest.mark.parametrize(("funds_cents", "status"), [(16 * 5 - 1, 402), (16 * 5, 201)])
async def test_a_batch_needs_exactly_the_sum_of_its_estimates(api: Api, funds_cents: int, status: int) -> None:
    assert (await api.batch(await api.org(funds_cents=funds_cents), 5)).status_code == status


async def test_an_estimate_counts_until_billing_has_answered_and_then_the_hold_does(api: Api) -> None:
    org = await api.org(funds_cents=100)
    story = await api.accepted_batch(org, 2)
    assert await money(api, org) == (100, 0, 68)
    await api.hear(story.reserved())
    assert await money(api, org) == (100, 32, 68)
    await api.hear(story.started(0), story.completed(0), story.settled(0))
    assert await money(api, org) == (84, 16, 68)
    await api.hear(story.expired(1), story.released(1, called=False))
    assert await money(api, org) == (84, 0, 84)


async def test_one_run_waits_for_the_answer_to_its_whole_request(api: Api) -> None:
    org = await api.org(funds_cents=100)
    first, second = await api.accepted_batch(org, 3), await api.accepted_batch(org, 2)
    waiting = "SELECT array_agg(id ORDER BY id) FROM runs WHERE org_id = :id AND NOT funds_answered"
    assert await api.value(waiting, id=org.org_id) == [first.run_id, second.run_id]
    assert await money(api, org) == (100, 0, 20)
    assert_problem(await api.batch(org, 2), 402, "insufficient_balance")
    await api.hear(first.reserved())
    assert await api.value(waiting, id=org.org_id) == [second.run_id]
    assert await money(api, org) == (100, 48, 20)


async def test_runs_of_a_release_before_wait_each_for_themselves(api: Api) -> None:
    org = await api.org(funds_cents=100)
    story = await api.accepted_batch(org, 3)
    before = "UPDATE runs SET funds_answered = false, awaited_cents = NULL WHERE request_id = :id"
    await api.change(before, id=story.request.request_id)
    assert await money(api, org) == (100, 0, 52)
    assert_problem(await api.batch(org, 4), 402, "insufficient_balance")
    await api.hear(story.reserved())
    assert await money(api, org) == (100, 48, 52)


async def test_a_declined_request_gives_its_estimate_back(api: Api) -> None:
    org = await api.org(funds_cents=20)
    story = await api.accepted(org)
    assert_problem(await api.call(org), 402, "insufficient_balance")
    await api.hear(story.declined())
    assert await money(api, org) == (20, 0, 20)
    assert (await api.call(org)).status_code == 201


async def test_a_run_that_expired_still_counts_until_billing_has_answered(api: Api) -> None:
    org = await api.org(funds_cents=20)
    story = await api.accepted(org)
    await api.hear(story.expired())
    assert await money(api, org) == (20, 0, 4)
    assert_problem(await api.call(org), 402, "insufficient_balance")
    await api.hear(story.reserved())
    assert await money(api, org) == (20, 16, 4)


async def test_held_funds_are_not_available(api: Api) -> None:
    org = await api.org(funds_cents=31)
    await api.hear((await api.accepted(org)).reserved())
    assert_problem(await api.call(org), 402, "insufficient_balance")


async def test_an_older_account_changes_nothing(api: Api) -> None:
    org = await api.org(funds_cents=100)
    stale = BalanceChanged(
        org_id=org.org_id,
        entries=(org.entry("deposit", 1),),
        account=Account(balance_cents=7, held_cents=0, version=org.version),
    )
    await api.hear(org.deposited(50), stale)
    assert await money(api, org) == (151, 0, 151)
    await api.hear(stale)
    assert await money(api, org) == (151, 0, 151)


async def test_of_two_accounts_in_one_poll_the_newer_counts_in_whatever_order(api: Api) -> None:
    org = await api.org(funds_cents=100)
    older, newer = org.deposited(10), org.deposited(10)
    await api.hear(newer, older)
    assert await money(api, org) == (120, 0, 120)


@pytest.mark.parametrize(("cents", "usd"), [(1, "0.01"), (10, "0.10"), (1_234, "12.34"), (10**13, "100000000000.00")])
async def test_the_balance_is_written_in_dollars_too(api: Api, cents: int, usd: str) -> None:
    funds = await api.funds(await api.org(funds_cents=cents))
    assert funds == {
        "currency": "usd",
        "balance_cents": cents,
        "held_cents": 0,
        "available_cents": cents,
        "balance_usd": usd,
        "as_of": funds["as_of"],
    }


@pytest.mark.parametrize(
    ("taken_cents", "balance_cents", "usd"), [(99, 1, "0.01"), (101, -1, "-0.01"), (350, -250, "-2.50")]
)
async def test_a_payment_taken_back_is_shown_as_it_is_and_the_next_request_is_refused(
    api: Api, taken_cents: int, balance_cents: int, usd: str
) -> None:
    org = await api.org(funds_cents=100)
    await api.hear(org.adjusted(-taken_cents))
    funds = await api.funds(org)
    assert (funds["balance_cents"], funds["available_cents"], funds["balance_usd"]) == (
        balance_cents,
        balance_cents,
        usd,
    )
    async with api.storing_nothing():
        refused = await api.call(org)
    assert_problem(refused, 402, "insufficient_balance")
    assert f" {balance_cents} cents" in refused.json()["detail"]
    entries = (await api.get(org, "/v1/billing/entries?kind=adjustment")).json()
    assert [(one["amount_cents"], one["balance_cents"], one["run_id"]) for one in entries["results"]] == [
        (-taken_cents, balance_cents, None)
    ]


async def test_what_is_held_stays_payable_when_a_payment_is_taken_back(api: Api) -> None:
    org = await api.org(funds_cents=20)
    story = await api.accepted(org)
    await api.hear(story.reserved(), org.adjusted(-20))
    assert await money(api, org) == (0, 16, -16)
    await api.hear(story.started(), story.completed(), story.settled())
    assert await money(api, org) == (-16, 0, -16)
    assert_problem(await api.call(org), 402, "insufficient_balance")
    await api.hear(org.deposited(32))
    assert await money(api, org) == (16, 0, 16)
    assert (await api.call(org)).status_code == 201


async def test_unanswered_estimates_come_off_what_is_owed_already(api: Api) -> None:
    org = await api.org(funds_cents=20)
    await api.accepted(org)
    await api.hear(org.adjusted(-30))
    assert await money(api, org) == (-10, 0, -26)


async def test_the_dearer_agent_is_refused_where_the_cheaper_one_is_not(api: Api) -> None:
    org = await api.org(funds_cents=49)
    await api.hear(an_agent(org, 5, product="premium"))
    assert_problem(await api.call(org, target_id=org.org_id + 5), 402, "insufficient_balance")
    assert (await api.call(org)).status_code == 201
