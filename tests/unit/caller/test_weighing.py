"""A process takes no more than it can carry: a call with sound weighs as much as several in text."""

import pytest

from services.caller.domain.limits import SOUND_CALL_WEIGHT
from services.caller.edges.calls.weighing import Weighing
from services.caller.edges.held import Held, HeldCalls, Taken
from services.caller.edges.taking import Taking
from tests.unit.caller.builders import a_claim, a_dispatch


class AnyTransaction:
    """Ends when it is told to."""

    def __init__(self) -> None:
        self.ends: list[object] = []

    def at_end(self, told: object) -> None:
        self.ends.append(told)


async def _runs(held: Held) -> None:
    """Be over at once."""


def a_taking(calls_limit: int, *, sound: bool = True) -> tuple[Taking, HeldCalls]:
    held = HeldCalls(speed=1.0, now=lambda: 0.0, weigh=Weighing(SOUND_CALL_WEIGHT) if sound else None)
    taking = Taking(None, held, calls_limit=calls_limit, now=lambda: 0.0, run=_runs, poke=lambda: None)  # type: ignore[arg-type]
    return taking, held


def reserved(taking: Taking, *weights: int) -> int:
    transaction = AnyTransaction()
    return taking.reserve(transaction, weights).room  # type: ignore[arg-type]


def hold(held: HeldCalls, run_id: int, mode: str) -> Held:
    return held.take(Taken(a_claim(run_id), a_dispatch(run_id, mode=mode)), asked_at=0.0)


def test_calls_with_sound_take_more_of_the_room_and_of_what_is_announced() -> None:
    taking, held = a_taking(calls_limit=4 * SOUND_CALL_WEIGHT)
    assert (taking.room, taking.calls_limit) == (4 * SOUND_CALL_WEIGHT, 4 * SOUND_CALL_WEIGHT)
    for run_id in (1, 2, 3):
        hold(held, run_id, "sip")
    hold(held, 7, "bot")
    assert taking.room == SOUND_CALL_WEIGHT - 1
    assert taking.calls_limit == 4 + taking.room


def test_only_as_many_are_reserved_as_fit_together_and_what_is_reserved_is_no_room() -> None:
    taking, _ = a_taking(calls_limit=2 * SOUND_CALL_WEIGHT + 1)
    assert reserved(taking, SOUND_CALL_WEIGHT, SOUND_CALL_WEIGHT, SOUND_CALL_WEIGHT) == 2
    assert taking.room == 1
    assert reserved(taking, 1, 1) == 1
    assert reserved(taking, 1) == 0


def test_a_process_that_is_smaller_than_a_call_with_sound_takes_one_nevertheless() -> None:
    taking, _ = a_taking(calls_limit=1)
    assert reserved(taking, SOUND_CALL_WEIGHT, SOUND_CALL_WEIGHT) == 1
    assert reserved(taking, SOUND_CALL_WEIGHT) == 0


@pytest.mark.parametrize(("sound", "weight"), [(True, SOUND_CALL_WEIGHT), (False, 1)])
def test_what_is_not_read_yet_weighs_as_much_as_any_here(sound: bool, weight: int) -> None:
    _, held = a_taking(calls_limit=10, sound=sound)
    held.take(Taken(a_claim(1), "{}"), asked_at=0.0)
    assert held.weight == weight
