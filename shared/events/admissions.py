"""Topic `test-call-admissions`: when the scheduler gave a slot, or gave up."""

from typing import Annotated

from pydantic import Field

from shared.events.conditions import Conditions
from shared.events.event import Event
from shared.events.fields import MAX_INTEGER, Direction, Id, Instant, Mode, Prompt, Text
from shared.events.requests import MAX_HELD_MINUTES, Target

MAX_SENTENCE_CHARS = 500
DispatchNo = Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)]


class TestCallDispatched(Event):
    """The run has a slot. The caller places the call before `start_before`, or says TestCallReturned and never dials.

    `dispatch_no` counts the dispatches of a run. A scheduler that leaves it out takes nothing back: there the caller
    fails the run instead.
    """

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
    dispatch_no: DispatchNo = 1
    conditions: Conditions | None = None
    recording: bool = False


class TestCallExpired(Event):
    """The run ended before it was dispatched. `reason` is a sentence for the customer."""

    run_id: Id
    org_id: Id
    request_id: Id
    batch_id: Id | None
    reason: Annotated[Text, Field(max_length=MAX_SENTENCE_CHARS)]
    expired_at: Instant


class CancelPassedOn(Event):
    """The run is to be canceled, and was dispatched before that was known: the caller hangs up. It may come twice."""

    run_id: Id
    org_id: Id
    request_id: Id
    batch_id: Id | None
