"""Every way in which what is committed can meet a reading of the table: none is lost, sent twice or sent too early."""

import pytest

from shared.events.topics import TEST_CALL_REQUESTS
from shared.messaging import lanes, rounds
from tests.support.leader import TOPIC, Leader


async def test_what_is_committed_at_rest_is_sent_without_a_reading() -> None:
    leader = Leader()
    await leader.once()
    assert leader.table.readings == 1, "the beginning"
    leader.commit(1)
    leader.commit(2, 3)
    await leader.sends(1, 2, 3)
    assert leader.table.readings == 1
    assert leader.woken == 0


async def test_acknowledged_rows_are_deleted_in_bulk_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    leader = Leader()
    await leader.once()
    leader.commit(1, 2, 3)
    await leader.sends(1, 2, 3)
    await leader.once()
    assert set(leader.table.rows) == {1, 2, 3}
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.0)
    looks = leader.table.looks
    await leader.once()
    assert leader.table.looks == looks + 1, "rows that nobody announced are looked for sooner"
    assert set(leader.table.rows) == {1, 2, 3}
    monkeypatch.setattr(rounds, "DELETE_AFTER_SECONDS", 0.0)
    await leader.once()
    assert leader.table.rows == {}
    assert leader.table.readings == 1


async def test_after_a_rest_what_is_acknowledged_waits_for_more_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.0)
    leader = Leader()
    await leader.once()
    leader.rounds._kept_since -= 3_600.0  # a rest
    await leader.once()
    leader.commit(1)
    await leader.sends(1)
    await leader.once()
    assert set(leader.table.rows) == {1}


async def test_many_acknowledged_rows_are_deleted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "DELETE_AFTER_ROWS", 2)
    leader = Leader()
    await leader.once()
    leader.commit(1, 2, 3)
    await leader.sends(1, 2, 3)
    assert leader.table.rows == {}


async def test_before_the_first_reading_nothing_is_sent_from_memory() -> None:
    leader = Leader(1, 2)
    leader.commit(3)
    assert leader.sending.sent == []
    await leader.sends(1, 2, 3)


async def test_what_is_committed_during_a_reading_goes_behind_the_older_rows_that_it_finds() -> None:
    leader = Leader(1, 2)
    reading = await leader.reading()
    leader.commit(3)
    await leader.read(reading)
    await leader.sends(1, 2, 3)


async def test_a_row_that_a_reading_saw_and_that_is_handed_over_meanwhile_is_sent_once() -> None:
    leader = Leader(1)
    outcome = leader.asked(2)
    leader.table.rows[3] = TOPIC  # another instance's
    reading = await leader.reading()
    outcome(True)
    await leader.read(reading)
    await leader.sends(1, 2, 3)


async def test_a_commit_that_is_asked_for_and_done_between_the_question_and_the_reading_is_sent_once() -> None:
    leader = Leader(1)
    reading = await leader.reading()
    outcome = leader.asked(2)
    await leader.read(reading)
    await leader.sends(1)
    outcome(True)
    await leader.sends(1, 2)


async def test_what_follows_from_a_commit_without_an_answer_is_not_sent_before_it() -> None:
    """The reading sees the second, and not the first, which the queue holds."""
    leader = Leader()
    await leader.once()
    first = leader.asked(1)
    leader.rounds.announce()
    reading = await leader.reading()
    second = leader.asked(2)
    await leader.read(reading)
    second(True)
    assert leader.sending.sent == []
    first(True)
    await leader.sends(1, 2)


async def test_an_announcement_during_a_reading_is_not_lost() -> None:
    leader = Leader()
    reading = await leader.reading()
    leader.table.rows[1] = TOPIC
    leader.rounds.announce()
    await leader.read(reading)
    await leader.sends(1)


async def test_rows_of_others_go_before_those_that_wait_and_are_younger() -> None:
    leader = Leader()
    await leader.once()
    leader.producer.answers.clear()
    leader.commit(1)
    await leader.sends(1)
    leader.commit(3)
    leader.table.rows[2] = TOPIC
    leader.rounds.announce()
    await leader.once()
    leader.producer.answers.set()
    await leader.sends(1, 2, 3)


async def test_a_backlog_is_read_in_pieces_and_what_is_committed_meanwhile_comes_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "MAX_READ_ROWS", 3)
    leader = Leader(*range(1, 11))
    reading = await leader.reading()
    leader.commit(11)
    await leader.read(reading)
    leader.commit(12)
    await leader.sends(*range(1, 13))


async def test_memory_holds_no_more_of_a_topic_than_it_may_and_the_other_topics_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "MAX_WAITING_ROWS", 3)
    leader = Leader()
    await leader.once()
    leader.producer.answers.clear()
    leader.commit(1)
    await leader.sends(1)
    for number in range(2, 21):
        leader.commit(number)
    leader.commit(21, topic=TEST_CALL_REQUESTS.name)
    await leader.sends(1, 21)
    held = [row.id for lane in leader.rounds._lanes.values() for row in lane.rows()]
    assert len(held) <= 5
    leader.producer.answers.set()
    await leader.sends(1, 21, *range(2, 21))


async def test_what_the_table_holds_of_a_topic_that_is_away_waits_and_is_sent_when_it_is_back() -> None:
    leader = Leader()
    await leader.once()
    leader.rounds._away_until[TOPIC] = float("inf")
    leader.commit(1)
    leader.commit(2, topic=TEST_CALL_REQUESTS.name)
    await leader.sends(2)
    leader.rounds._away_until.clear()
    leader.commit(3)
    await leader.sends(2, 1, 3)
