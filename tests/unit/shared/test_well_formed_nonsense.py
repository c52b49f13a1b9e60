"""Events whose fields are fine one by one and make no sense together, or none that a database could hold."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import Poison
from shared.events.envelope import open_sealed
from shared.events.event import Event
from shared.events.executions import TranscriptTurn
from shared.events.register import BY_EVENT
from tests.support.some_events import completed, failed, requested, started

RUN = {"run_id": 1, "prompt_index": 0}
TURN = {"role": "user", "content_type": "text/plain", "content": "Hello.", "start_ms": 0, "end_ms": 1}
NONSENSE: list[tuple[Event, dict[str, Any], str]] = [
    (requested(1), {"runs": [RUN | {"prompt_index": 1}]}, "value: prompt_index_past_prompts"),
    (requested(1, 2), {"runs": [RUN, RUN]}, "value: run_id_twice"),
    (requested(1, 2), {"batch_id": None}, "value: runs_without_batch"),
    (
        requested(1),
        {"requested_at": "0001-01-01T00:00:00+14:00"},
        "requested_at: must lie in the years from 1970 to 9998",
    ),
    (
        requested(1),
        {"requested_at": "9999-12-31T23:59:59-12:00"},
        "requested_at: must lie in the years from 1970 to 9998",
    ),
    (started(1), {"started_at": "0001-01-01T00:00:00Z"}, "started_at: must lie in the years from 1970 to 9998"),
    (
        started(1),
        {"started_at": "1969-12-31T23:59:59.999999Z"},
        "started_at: must lie in the years from 1970 to 9998",
    ),
    (started(1), {"started_at": "2026-11-25T12:00:00"}, "started_at: must name its offset from UTC"),
    (started(1), {"product": "a\x00b"}, "product: must not contain the NUL character"),
    (completed(1), {"transcript": [TURN | {"content": "\x00"}]}, "transcript.0.content: must not contain the NUL"),
    (requested(1), {"prompts": ["\x00"]}, "prompts.0: must not contain the NUL character"),
    (failed(1), {"error_message": "\x00"}, "error_message: must not contain the NUL character"),
    (completed(1), {"duration_seconds": 2**31}, "duration_seconds: less_than_equal"),
    (failed(1, called=True), {"duration_seconds": 2**31}, "duration_seconds: less_than_equal"),
]


@pytest.mark.parametrize(("event", "changes", "reason"), NONSENSE)
def test_nonsense_is_poison_that_names_what_is_wrong(event: Event, changes: dict[str, Any], reason: str) -> None:
    value = json.dumps(json.loads(event.model_dump_json()) | changes).encode()
    with pytest.raises(Poison) as poison:
        open_sealed(BY_EVENT[type(event)], value)
    assert f"is not readable: {reason}" in str(poison.value)


def test_what_only_looks_odd_is_taken() -> None:
    """A batch of one, a prompt that nobody uses, an end before the start: clocks are put back now and then."""
    batch_of_one = requested(1, batch=True)
    assert batch_of_one.batch_id == 1
    odd = batch_of_one.model_copy(update={"prompts": (*batch_of_one.prompts, "unused")})
    end = completed(1)
    backwards = end.model_copy(update={"started_at": end.ended_at, "ended_at": end.started_at})
    for event in (batch_of_one, odd, backwards):
        assert open_sealed(BY_EVENT[type(event)], event.model_dump_json().encode()) == event


@pytest.mark.parametrize("half", ["a\ud800", "\udc00"])
def test_no_event_can_be_made_that_nobody_could_write_down(half: str) -> None:
    """What a far end said goes into events of our own: it is refused there, not by Kafka or PostgreSQL later."""
    for text in (half, "a\x00b"):
        with pytest.raises(ValidationError):
            TranscriptTurn(role="user", content_type="text/plain", content=text, start_ms=0, end_ms=1)
        with pytest.raises(ValidationError):
            type(failed(1)).model_validate(dict(failed(1)) | {"error_message": text})
    value = started(1).model_dump_json().replace('"product":"default"', f'"product":{json.dumps(half)}').encode()
    with pytest.raises(Poison, match="json_invalid"):
        open_sealed(BY_EVENT[type(started(1))], value)
