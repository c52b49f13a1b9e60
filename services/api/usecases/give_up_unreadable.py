"""What the API owes its customers for events that it could not read: no run may stay open for ever."""

from collections.abc import Sequence
from datetime import datetime

from services.api.ports import Picture
from shared.events.executions import TestCallFailed
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.subjects import subject_ids

UNREADABLE_END = "The result of the call could not be read"
UNREADABLE_DECLINE = "The funds were declined"
UNREADABLE_EXPIRY = "The run was given up before it started"


async def give_up_unreadable(picture: Picture, letters: Sequence[DeadLetter], *, now: datetime) -> list[Say]:
    """Go by the headers alone. An unreadable account or entry needs nothing: the next one carries the whole account."""
    declined = subject_ids(letters, "FundsDeclined")
    answered = declined | subject_ids(letters, "FundsReserved")
    ended = subject_ids(letters, "TestCallCompleted", "TestCallFailed")
    expired = subject_ids(letters, "TestCallExpired")
    await picture.mark_answered(sorted(answered))
    await picture.fail_requests(dict.fromkeys(declined, UNREADABLE_DECLINE), dict.fromkeys(declined, now))
    await picture.fail_queued(dict.fromkeys(expired, UNREADABLE_EXPIRY), dict.fromkeys(expired, now))
    await picture.fail([_failure(run_id, now) for run_id in sorted(ended)])
    return []


def _failure(run_id: int, now: datetime) -> TestCallFailed:
    return TestCallFailed(
        run_id=run_id,
        org_id=None,
        batch_id=None,
        call_id=None,
        started_at=None,
        ended_at=now,
        duration_seconds=None,
        error_message=UNREADABLE_END,
        transcript=(),
        figures=None,
    )
