"""Organisations take turns at what room there is: a burst of one keeps no other waiting."""

import pytest

from tests.integration.caller.instance import Caller, Callers, dispatched
from tests.integration.caller.line import Line
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BIG, SMALL, TINY = 1, 2, 3


async def orgs_claimed(caller: Caller) -> dict[int, int]:
    """How many attempts of each organisation have been claimed so far."""
    async with caller.database.reading() as transaction:
        rows = await transaction.rows(
            "SELECT org_id, count(*) AS attempts FROM attempts WHERE status <> 'waiting' GROUP BY org_id"
        )
    return {row.org_id: row.attempts for row in rows}


async def a_burst(caller: Caller, org_id: int, first: int, runs: int) -> None:
    await caller.hear_without_room(*(dispatched(first + nth, org_id=org_id) for nth in range(runs)))


async def test_a_burst_of_one_organisation_does_not_starve_a_small_one(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=10)
    line.gate.clear()
    await a_burst(caller, BIG, 1, 1_000)
    await a_burst(caller, SMALL, 2_001, 3)
    await a_burst(caller, TINY, 3_001, 1)
    await caller.claim()
    while await caller.worker.claims.claim_once():
        pass
    assert await orgs_claimed(caller) == {BIG: 6, SMALL: 3, TINY: 1}, "each its turn, and no room is left empty"


async def test_with_room_for_one_at_a_time_the_organisations_take_turns(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=1)
    for org_id in (BIG, SMALL, TINY):
        await a_burst(caller, org_id, 1_000 * org_id, 20)
    for _ in range(9):
        await caller.claim()
        await caller.idle()
    assert await orgs_claimed(caller) == {BIG: 3, SMALL: 3, TINY: 3}
    assert list(line.placed) == [1_000, 2_000, 3_000, 1_001, 2_001, 3_001, 1_002, 2_002, 3_002], "of each, the oldest"


async def test_more_organisations_than_a_claim_looks_at_all_get_their_turn(
    callers: Callers, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.caller.domain.limits.MAX_CLAIM_ORGS", 4)
    caller = await callers.another(calls_limit=5)
    for org_id in range(1, 12):
        await a_burst(caller, org_id, 100 * org_id, 10)
    for nth in range(1, 12):
        await caller.claim()
        await caller.idle()
        claimed = await orgs_claimed(caller)
        if nth >= 5:
            assert len(claimed) == 11, "everybody had a turn"
    assert max(claimed.values()) <= 2 * min(claimed.values()) + 2, claimed


async def test_one_claim_fills_the_room_with_what_there_is_whoever_it_belongs_to(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=50)
    line.gate.clear()
    await a_burst(caller, BIG, 1, 100)
    for org_id in range(2, 8):
        await a_burst(caller, org_id, 1_000 * org_id, 1)
    while await caller.worker.claims.claim_once():
        pass
    assert len(caller.worker.held) == 50
    assert await orgs_claimed(caller) == {BIG: 44, **dict.fromkeys(range(2, 8), 1)}


async def test_what_is_overdue_takes_nobody_s_turn(callers: Callers, line: Line) -> None:
    caller = await callers.another(calls_limit=2)
    line.gate.clear()
    await caller.hear(*(dispatched(nth, org_id=BIG, starts_within_seconds=-1) for nth in range(1, 30)))
    await a_burst(caller, SMALL, 2_000, 2)
    await caller.claim()
    await eventually(line.is_up(2_000, 2_001))
    assert await orgs_claimed(caller) == {SMALL: 2}
