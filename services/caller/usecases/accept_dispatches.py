"""Write dispatched runs down, for whichever worker has room."""

from collections.abc import Sequence

from services.caller.domain.attempt import NO_SIP, UNREADABLE
from services.caller.ports import Attempts
from services.caller.usecases.saying import failed
from shared.events.admissions import TestCallDispatched
from shared.messaging.messages import DeadLetter, Heard, Say
from shared.messaging.subjects import subject_ids


async def accept_dispatches(attempts: Attempts, heard: Sequence[Heard[TestCallDispatched]]) -> list[Say]:
    """Add an attempt for each run, once. What is past its start is failed by the next look at what is overdue."""
    await attempts.add([(one.event, one.traceparent) for one in heard if one.event.mode == "bot"])
    refused = await attempts.add_failed({one.event.run_id: NO_SIP for one in heard if one.event.mode != "bot"})
    attempts.ask_for_claims()
    return [failed(one) for one in refused]


async def give_up_unreadable(attempts: Attempts, letters: Sequence[DeadLetter]) -> list[Say]:
    """Fail the runs of unreadable dispatches, going by the headers alone: nobody else would end them."""
    given_up = await attempts.add_failed(dict.fromkeys(subject_ids(letters, "TestCallDispatched"), UNREADABLE))
    return [failed(one) for one in given_up]
