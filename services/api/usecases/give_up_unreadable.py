"""What the API owes its customers for events that it could not read: no run may stay open for ever."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from services.api import metrics
from services.api.domain.progress import NO_TURNS, UNREADABLE_END
from services.api.domain.transitions import Answered, Billed, EndLost, Failed, GivenUp, Transition
from services.api.ports import Picture
from shared.events.directory import AgentDeleted, ApiKeyRevoked, PhoneNumberDeleted
from shared.events.event import Event
from shared.messaging.messages import DeadLetter, Heard, Say
from shared.messaging.subjects import concerns, key_id, subject_id, subject_ids

E = TypeVar("E", bound=Event)

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
    expired, lost = subject_ids(letters, "TestCallExpired"), subject_ids(letters, "TestCallCompleted")
    notes = picture.notes
    for request_id in sorted(answered):
        notes.of_request(request_id, Answered())
    for request_id in sorted(declined):
        notes.of_request(request_id, GivenUp(UNREADABLE_DECLINE, now))
    said: list[tuple[set[int], Transition]] = [
        (expired, GivenUp(UNREADABLE_EXPIRY, now)),
        (failed, Failed(now, None, UNREADABLE_END, NO_TURNS)),
        (charged, Billed(None, None, now)),
        (released, Billed(0, 0, now)),
        (lost, EndLost(now)),
    ]
    for run_ids, transition in said:
        for run_id in sorted(run_ids):
            notes.of_run(run_id, transition)
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
