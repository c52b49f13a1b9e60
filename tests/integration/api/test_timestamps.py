"""Instants: ISO 8601, UTC, milliseconds and a Z, everywhere; a run's are its call's."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.api.harness import Api
from tests.integration.api.picture import all_that_is_seen

pytestmark = pytest.mark.integration

TIMESTAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NAMES = {
    *("created_at", "updated_at", "started_at", "completed_at", "start_time", "end_time", "billed_at", "as_of"),
    "grade_updated_at",
}


def instants(value: Any) -> Iterator[tuple[str, Any]]:
    """Every instant in an answer, with its name."""
    if isinstance(value, dict):
        yield from ((name, one) for name, one in value.items() if name in NAMES)
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from instants(one)


async def test_every_instant_has_the_same_form(api: Api) -> None:
    org = await api.org()
    story = await api.accepted_batch(org, 3)
    await api.hear(story.reserved(), story.started(0), story.started(1), story.completed(0), story.failed(1))
    await api.hear(story.settled(0), story.released(1), story.expired(2))
    seen = dict(instants(await all_that_is_seen(api, org, but=())))
    found = [(name, at) for name, at in instants(await all_that_is_seen(api, org, but=())) if at is not None]
    assert seen.keys() == NAMES
    assert {name for name, _ in found} == NAMES - {"grade_updated_at"}
    for name, at in found:
        assert TIMESTAMP.fullmatch(at), (name, at)


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_a_run_starts_and_ends_with_its_call(api: Api, end: str) -> None:
    story = await api.paid(await api.org())
    await api.hear(story.started(), getattr(story, end)())
    run, call = await api.run(story.org, story.run_id), await api.seen_call(story.org, story.call_id)
    assert (run["started_at"], run["completed_at"]) == (call["start_time"], call["end_time"])
    assert run["duration_seconds"] == call["duration_seconds"]
    assert run["created_at"] < run["started_at"] < run["completed_at"]
