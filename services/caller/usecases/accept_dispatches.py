"""Take dispatched runs while there is room; write the rest down for whichever worker has some."""

from collections.abc import Sequence

from services.caller.domain.attempt import UNREADABLE, Failure
from services.caller.ports import Arrivals, Dispatch
from services.caller.usecases.saying import failed, returned
from shared.events.admissions import TestCallDispatched
from shared.messaging.messages import DeadLetter, Heard, Say
from shared.messaging.subjects import concerns, subject_id, subject_ids


async def accept_dispatches(arrivals: Arrivals, heard: Sequence[Heard[TestCallDispatched]]) -> list[Say]:
    """Add an attempt for each run, once. What is past its start is given back by the next look at what is overdue."""
    given_back = await arrivals.add([Dispatch(one.event, _number(one.event), one.traceparent) for one in heard])
    return [returned(one) for one in given_back]


def _number(event: TestCallDispatched) -> int | None:
    """Tell a first dispatch from one of a scheduler of before, which leaves the number out and knows of no returns."""
    return event.dispatch_no if "dispatch_no" in event.model_fields_set else None


async def give_up_unreadable(arrivals: Arrivals, letters: Sequence[DeadLetter]) -> list[Say]:
    """Fail the runs of unreadable dispatches, going by the headers alone: nobody else would end them.

    A cancel says nothing that its headers do not.
    """
    failures = [
        Failure(run_id, UNREADABLE, letter.traceparent)
        for letter in letters
        if concerns(letter, "TestCallDispatched") and (run_id := subject_id(letter)) is not None
    ]
    given_up = await arrivals.add_failed(failures)
    canceled = await arrivals.cancel(subject_ids(letters, "CancelPassedOn"))
    return [failed(one) for one in (*given_up, *canceled)]
