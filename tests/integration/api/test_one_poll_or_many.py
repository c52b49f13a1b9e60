"""A poll that says everything of a run, and many polls that say it word by word: one picture, and fewer writes."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from services.api.edges.kafka import HEARS
from shared.db.transaction import Transaction
from shared.events.event import Event
from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen
from tests.integration.api.story import Story

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("dead_letters_are_cleared")]

# What differs between two organisations that lived the same.
THEIR_OWN = ("as_of", "id", "run_ids", "target_id", "call_id", "batch_id", "agent_id", "run_id")
INSTANTS = ("created_at", "updated_at", "started_at", "completed_at", "start_time", "end_time", "billed_at")
PLACE = {row.event: place for place, row in enumerate(HEARS)}
RUNS = 3
Word = tuple[str, int, bool]  # a method of the story, the run's place, whether nobody can read it


def polls(chance: random.Random) -> Iterator[list[Word]]:
    """Some of what may be said of a batch, in any order, now and then twice, in polls of any size."""
    words: list[Word] = [("reserved", 0, False)]
    for nth in range(RUNS):
        said = [("started", nth, False), (chance.choice(("completed", "failed")), nth, chance.random() < 0.2)]
        said.append((chance.choice(("settled", "released")), nth, chance.random() < 0.1))
        words += said if chance.random() < 0.8 else [("expired", nth, False), *said]
    words += chance.sample(words, chance.randint(0, 3))
    chance.shuffle(words)
    while words:
        if words[0][2]:
            yield [words.pop(0)]
            continue
        size = chance.randint(1, 6)
        poll, words = words[:size], words[size:]
        while any(unreadable for _, _, unreadable in poll):
            words.insert(0, poll.pop())
        yield poll


class Telling:
    """Says what a story says, each thing once: heard again, it is the same event."""

    def __init__(self, api: Api, story: Story) -> None:
        self._api = api
        self.story = story
        self._said: dict[Word, Event] = {("reserved", 0, False): story.reserved()}  # billing's first word

    async def hear(self, poll: list[Word], *, one_by_one: bool) -> None:
        events = [self._event(word) for word in poll]
        if poll[0][2]:
            await self._api.hear_garbage(events[0])
        elif one_by_one:
            for event in sorted(events, key=lambda event: PLACE[type(event)]):
                await self._api.hear(event)
        else:
            await self._api.hear(*events)

    def _event(self, word: Word) -> Event:
        if word not in self._said:
            name, nth, _ = word
            self._said[word] = getattr(self.story, name)(nth)
        return self._said[word]


async def test_it_does_not_matter_how_much_a_poll_brings(api: Api) -> None:
    for seed in range(40):
        plan = list(polls(random.Random(seed)))
        pictures = []
        for one_by_one in (True, False):
            telling = Telling(api, await api.accepted_batch(await api.org(), RUNS))
            for poll in plan:
                await telling.hear(poll, one_by_one=one_by_one)
            pictures.append(await all_that_is_seen(api, telling.story.org, but=(*THEIR_OWN, *INSTANTS)))
        assert pictures[0] == pictures[1], f"seed {seed}: {plan}"
    assert all("dlq" in topic for topic in api.ear.dead)


async def test_what_a_poll_says_of_a_run_is_written_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    run, copy = Transaction.run, Transaction.copy

    async def noting(self: Transaction, statement: str, **parameters: Any) -> int:
        count = await run(self, statement, **parameters)
        written.extend([" ".join(statement.split()[:3])] * count)
        return count

    async def noting_copy(self: Transaction, table: str, columns: Any, rows: Any) -> None:
        await copy(self, table, columns, rows)
        written.extend([f"COPY {table}"] * len(rows))

    story = await api.accepted_batch(await api.org(), 2)
    monkeypatch.setattr(Transaction, "run", noting)
    monkeypatch.setattr(Transaction, "copy", noting_copy)
    reserved = story.reserved()
    said = [event for nth in range(2) for event in (story.started(nth), story.completed(nth), story.settled(nth))]
    await api.hear(reserved, *said)
    assert written.count("UPDATE runs SET") == 2
    assert written.count("COPY calls") == 2
    assert written.count("UPDATE batches SET") == 1
    assert written.count("INSERT INTO funds") == 1
    assert not [what for what in written if what.startswith("UPDATE calls")]
    assert written.count("COPY ledger_entries") == 4
