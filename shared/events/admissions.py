"""Topic `test-call-admissions`: when the scheduler gave a slot, or gave up."""

from typing import Annotated

from pydantic import Field

from shared.events.event import Event
from shared.events.fields import Direction, Id, Instant, Mode, Prompt, Text
from shared.events.requests import MAX_HELD_MINUTES, Target

MAX_SENTENCE_CHARS = 500


class TestCallDispatched(Event):
    """The run has a slot. The caller places the call before `start_before` or fails the run."""

    run_id: Id
    org_id: Id
    request_id: Id
    batch_id: Id | None
    prompt: Prompt
    direction: Direction
    mode: Mode
    target: Target
    held_minutes: Annotated[int, Field(strict=True, ge=1, le=MAX_HELD_MINUTES)]
    start_before: Instant


class TestCallExpired(Event):
    """The run ended before it was dispatched. `reason` is a sentence for the customer."""

    run_id: Id
    org_id: Id
    request_id: Id
    batch_id: Id | None
    reason: Annotated[Text, Field(max_length=MAX_SENTENCE_CHARS)]
    expired_at: Instant
