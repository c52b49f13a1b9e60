"""What the API owes its customers for events that it could not read: no run may stay open for ever."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from services.api import metrics
from services.api.ports import Picture
from shared.events.directory import AgentDeleted, ApiKeyRevoked, PhoneNumberDeleted
from shared.events.event import Event
from shared.events.executions import TestCallFailed
from shared.messaging.messages import DeadLetter, Heard, Say
from shared.messaging.subjects import concerns, key_id, subject_id, subject_ids

E = TypeVar("E", bound=Event)

UNREADABLE_END = "The result of the call could not be read"
UNREADABLE_DECLINE = "The funds were declined"
UNREADABLE_EXPIRY = "The run was given up before it started"


async def give_up_unreadable(picture: Picture, letters: Sequence[DeadLetter], *, now: datetime) -> list[Say]:
    """Go by the headers alone. An unreadable account or entry needs nothing: the next one carries the whole account.

    Of a completion that only we could not read billing tells the rest: a charge completes the run, a release fails it.
    A failure costs nothing, whatever it was.
    """
    declined = subject_ids(letters, "FundsDeclined")
    answered = declined | subject_ids(letters, "FundsReserved")
    failed = subject_ids(letters, "TestCallFailed")
    charged, released = subject_ids(letters, "ChargeSettled"), subject_ids(letters, "ReservationReleased")
    expired = subject_ids(letters, "TestCallExpired")
    await picture.mark_answered(sorted(answered))
    await picture.fail_requests(dict.fromkeys(declined, UNREADABLE_DECLINE), dict.fromkeys(declined, now))
    await picture.fail_queued(dict.fromkeys(expired, UNREADABLE_EXPIRY), dict.fromkeys(expired, now))
    await picture.fail([_failure(run_id, now) for run_id in sorted(failed)])
    await picture.bill([(run_id, None, None, now) for run_id in sorted(charged)])
    await picture.bill([(run_id, 0, 0, now) for run_id in sorted(released)])
    await picture.lose_ends(subject_ids(letters, "TestCallCompleted"), now)
    await _follow_the_end_of(picture, letters)
    return []


async def _follow_the_end_of(picture: Picture, letters: Sequence[DeadLetter]) -> None:
    """Revoke and delete: such an event says nothing that its key (the organisation) and its subject do not.

    A key does not stay valid because the record that revokes it is unreadable. Without the organisation the key is
    revoked wherever there is one of that id; without an id nobody knows which, and an operator is told.
    """
    revoked, anywhere = [], set[int]()
    agents, numbers = list[Heard[AgentDeleted]](), list[Heard[PhoneNumberDeleted]]()
    for letter in letters:
        org_id, subject = key_id(letter), subject_id(letter)
        if concerns(letter, "ApiKeyRevoked"):
            if subject is None:
                metrics.UNKNOWN_REVOCATIONS.inc()
            elif org_id is None:
                anywhere.add(subject)
            else:
                revoked.append(ApiKeyRevoked(org_id=org_id, key_id=subject))
        elif org_id is not None and subject is not None:
            if concerns(letter, "AgentDeleted"):
                agents.append(_heard(AgentDeleted(org_id=org_id, agent_id=subject), letter))
            elif concerns(letter, "PhoneNumberDeleted"):
                numbers.append(_heard(PhoneNumberDeleted(org_id=org_id, phone_number_id=subject), letter))
    if revoked:
        await picture.revoke_keys(revoked)
    if anywhere:
        await picture.revoke_keys_of_any_org(anywhere)
    if agents:
        await picture.delete_agents(agents)
    if numbers:
        await picture.delete_numbers(numbers)


def _heard(event: E, letter: DeadLetter) -> Heard[E]:
    return Heard(event, letter.event_id, letter.occurred_at, letter.traceparent, (letter.topic, 0, 0))


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
