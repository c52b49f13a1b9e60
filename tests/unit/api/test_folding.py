"""What many polls say of a run one word at a time, one poll may say at once: every field is the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.domain.progress import NO_TURNS, Call, Run
from services.api.domain.recordings import EndedLeg, LegEnd, Recorded, told_once
from services.api.domain.transitions import (
    Answered,
    Billed,
    Completed,
    EndLost,
    Failed,
    GivenUp,
    Notes,
    RecordingTold,
    Started,
    Transition,
)

CALL_ID = 70
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
OUTCOME = {
    *("stored_call_id", "charged_call_id", "call", "second_leg", "recorded"),
    *("is_changed", "is_seen", "is_moved", "is_billed"),
}
ROW = [one.name for one in fields(Run) if one.name not in OUTCOME]
WRITTEN_AGAIN = ("end_time", "duration_seconds", "status", "end_reason", "transcript", "figures")
LEG_ID = 80
Word = tuple[str, int]  # what is said, and its number: a second one of its kind says something else


def at(nth: int) -> datetime:
    return SINCE + timedelta(seconds=nth)


def a_start(nth: int = 0) -> Started:
    answered_at = at(nth) if nth % 2 else None
    return Started(Call(CALL_ID, 5, "inbound", "+1", "+2", "p", "v", at(nth), sip_answered_at=answered_at))


def a_recording(nth: int, *, is_settled: bool) -> Recorded:
    return Recorded(CALL_ID, "recording", f"1/{nth}.wav", None, is_settled, is_settled, nth, nth, at(nth))


def a_leg(nth: int) -> LegEnd | None:
    if nth == 0:
        return None
    return LegEnd(at(nth), nth, "agent_end", f'["leg {nth}"]', None, at(nth), a_recording(nth, is_settled=nth > 1))


def transition(word: Word) -> Transition:
    """Made anew each time: a call belongs to the run that it was said of."""
    kind, nth = word
    made: dict[str, Transition] = {
        "answered": Answered(),
        "declined": GivenUp(f"declined {nth}", at(nth)),
        "expired": GivenUp(f"expired {nth}", at(nth)),
        "started": a_start(nth),
        "completed": Completed(
            CALL_ID,
            at(nth),
            at(nth + 5),
            5 + nth,
            "agent_end",
            f'["{nth}"]',
            figures=f'{{"{nth}": 1}}',
            recorded=a_recording(nth, is_settled=nth > 1),
            second_leg=a_leg(nth),
        ),
        "failed": Failed(at(nth), nth, f"failed {nth}", f'["{nth}"]', second_leg=a_leg(nth), answered_at=at(nth)),
        "recorded": RecordingTold(a_recording(nth + 4, is_settled=True), is_second_leg=nth % 2 == 1),
        "settled": Billed(16, 1, at(nth + 6)),
        "settled unreadably": Billed(None, None, at(nth + 6)),
        "released": Billed(0, 0, at(nth + 6)),
        "lost": EndLost(at(nth + 4)),
    }
    return made[kind]


KINDS = ["recorded", "answered", "declined", "expired", "started", "completed", "failed", "settled", "released", "lost"]
words = st.tuples(st.sampled_from([*KINDS, "settled unreadably"]), st.integers(0, 3))
OF_THE_REQUEST = ("answered", "declined")


@dataclass
class Table:
    """A run's row and the rows of calls, as PostgreSQL keeps them. `ledger` names the charged call, or nothing yet."""

    row: dict[str, Any]
    calls: dict[int, Call]
    ledger: int | None
    times_seen: int = 0
    legs: dict[int, EndedLeg] = field(default_factory=dict)
    recordings: dict[int, Recorded] = field(default_factory=dict)

    def hear(self, poll: Sequence[Word]) -> None:
        """Read, apply, write once."""
        run = Run(**self.row, stored_call_id=self.row["call_id"])
        run.charged_call_id = self.ledger
        notes = Notes()
        for word in poll:
            note = notes.of_request if word[0] in OF_THE_REQUEST else notes.of_run
            note(run.request_id if word[0] in OF_THE_REQUEST else run.id, transition(word))
        notes.apply([run])
        if run.is_changed:
            self.row = {name: getattr(run, name) for name in ROW}
        else:
            assert self.row == {name: getattr(run, name) for name in ROW}, "changed, and not said to be"
        if run.call is not None:
            self._write(run.call, is_stored=run.call.call_id == run.stored_call_id)
        if run.second_leg is not None:
            self.legs[run.second_leg.call_id] = run.second_leg
        for one in told_once(run.recorded):
            known = self.recordings.get(one.call_id)
            if known is None or (one.is_settled and not known.is_settled):
                self.recordings[one.call_id] = one

    def _write(self, call: Call, *, is_stored: bool) -> None:
        assert is_stored == (call.call_id in self.calls)
        known = self.calls.setdefault(call.call_id, call)
        for name in WRITTEN_AGAIN:
            setattr(known, name, getattr(call, name))
        known.sip_answered_at = call.sip_answered_at or known.sip_answered_at


def a_table(ledger: int | None, direction: str = "outbound", leg: int | None = None) -> Table:
    given_values: dict[str, Any] = {
        **dict.fromkeys(ROW),
        **{"id": 1, "org_id": 2, "request_id": 3, "batch_id": 4, "agent_id": 5, "direction": direction},
        **{"target_number": "+9", "created_at": SINCE, "status": "queued", "error_message": ""},
        **{"funds_answered": False, "sip_call_id": leg},
    }
    return Table(given_values, {}, ledger)


@settings(max_examples=1_000, deadline=None)
@given(
    st.lists(words, max_size=8),
    st.data(),
    st.sampled_from([None, CALL_ID]),
    st.sampled_from(["outbound", "inbound"]),
    st.sampled_from([None, LEG_ID]),
)
def test_one_poll_leaves_behind_what_polls_of_one_word_each_would(
    said: list[Word], data: st.DataObject, ledger: int | None, direction: str, leg: int | None
) -> None:
    one_by_one, folded, at_once = (a_table(ledger, direction, leg) for _ in range(3))
    for word in said:
        one_by_one.hear([word])
    left = list(said)
    while left:
        size = data.draw(st.integers(1, len(left)))
        folded.hear(left[:size])
        left = left[size:]
    at_once.hear(said)
    assert one_by_one == folded == at_once


@settings(max_examples=500, deadline=None)
@given(st.lists(words, max_size=8), st.sampled_from([None, CALL_ID]))
def test_whatever_is_said_a_run_is_what_its_row_allows(said: list[Word], ledger: int | None) -> None:
    """The CHECKs of the tables: one row that breaks them would bury its whole poll."""
    table = a_table(ledger, leg=LEG_ID)
    for word in said:
        table.hear([word])
        row = table.row
        assert (LEG_ID in table.legs) == (row["completed_at"] is not None), "the second leg ends with its run"
        assert all(leg.status == row["status"] and leg.end_time is not None for leg in table.legs.values())
        assert (row["status"] in ("completed", "failed")) == (row["completed_at"] is not None)
        assert (row["status"] == "failed") == (row["error_message"] != "")
        assert row["status"] != "completed" or row["call_id"] is not None
        assert all((call.status == "in_progress") == (call.end_time is None) for call in table.calls.values())


@settings(max_examples=500, deadline=None)
@given(st.lists(words, max_size=8))
def test_everything_said_twice_is_said_once(said: list[Word]) -> None:
    once, twice = a_table(CALL_ID, leg=LEG_ID), a_table(CALL_ID, leg=LEG_ID)
    once.hear(said)
    twice.hear([word for word in said for _ in range(2)])
    assert once == twice


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("started", "in_progress"),
        ("started completed", "completed"),
        ("completed started", "completed"),
        ("started failed completed", "failed"),
        ("failed started", "failed"),
        ("started expired", "in_progress"),
        ("expired completed", "failed"),
        ("started lost", "in_progress"),
        ("started lost settled", "completed"),
        ("started settled lost", "completed"),
        ("started lost released", "failed"),
        ("started lost released completed", "failed"),
        ("lost settled completed", "completed"),
    ],
)
def test_a_run_goes_its_way(said: str, status: str) -> None:
    table = a_table(CALL_ID)
    table.hear([(kind, 0) for kind in said.split()])
    assert table.row["status"] == status


def test_a_mended_completion_is_shown_as_it_was() -> None:
    table = a_table(CALL_ID)
    table.hear([("started", 0), ("lost", 0), ("settled", 0), ("completed", 1), ("completed", 2)])
    assert (table.row["duration_seconds"], table.row["end_lost_at"]) == (6, None)
    assert (table.calls[CALL_ID].end_reason, table.calls[CALL_ID].transcript) == ("agent_end", '["1"]')


def test_a_call_whose_start_was_not_heard_is_made_from_its_run() -> None:
    table = a_table(CALL_ID, "inbound")
    table.hear([("completed", 0)])
    call = table.calls[CALL_ID]
    assert (call.direction, call.from_number, call.to_number, call.agent_id) == ("outbound", "", "+9", 5)


def test_a_run_that_waited_fails_without_a_call() -> None:
    table = a_table(None)
    table.hear([("failed", 0)])
    assert (table.calls, table.row["call_id"]) == ({}, None)


def test_an_estimate_that_is_answered_is_no_change_that_a_customer_sees() -> None:
    run = Run(**a_table(None).row, stored_call_id=None)
    Answered().apply(run)
    assert (run.funds_answered, run.is_changed, run.is_seen, run.call) == (True, True, False, None)
    assert NO_TURNS == "[]"
