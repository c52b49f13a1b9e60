"""What billing owes for records that it gave up: a request is declined, a lost end releases, a payment is an alarm."""

from collections.abc import Sequence

from services.billing.ports import Books
from services.billing.usecases.release_reservation import release
from shared.events.billing import FundsDeclined
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.subjects import concerns, subject_id

ENDS = ("TestCallCompleted", "TestCallFailed", "TestCallExpired")


async def give_up_unreadable(books: Books, letters: Sequence[DeadLetter]) -> list[Say]:
    """Decline unreadable requests and release the holds of unreadable ends, going by the headers alone.

    The customer pays nothing for a call of which the end could not be read.
    """
    await books.refuse_payments(
        deposits=sum(concerns(letter, "FundsDeposited") for letter in letters),
        adjustments=sum(concerns(letter, "FundsAdjusted") for letter in letters),
    )
    requests = {subject_id(letter): letter for letter in letters if concerns(letter, "TestCallRequested")}
    ends = {subject_id(letter): letter for letter in letters if concerns(letter, *ENDS)}
    requests.pop(None, None)
    ends.pop(None, None)
    return await _decline(books, requests) + await _release(books, ends)


async def _decline(books: Books, letters: dict[int | None, DeadLetter]) -> list[Say]:
    ids = [request_id for request_id in letters if request_id is not None]
    new = sorted(set(ids) - await books.answered(ids))
    await books.note_answers(dict.fromkeys(new, "unreadable_request"))
    return [
        Say(
            FundsDeclined(request_id=request_id, org_id=None, reason="unreadable_request", account=None),
            letters[request_id].traceparent,
        )
        for request_id in new
    ]


async def _release(books: Books, letters: dict[int | None, DeadLetter]) -> list[Say]:
    ids = [run_id for run_id in letters if run_id is not None]
    known = await books.reservations(ids)
    await books.note_ended_early(set(ids) - set(known))
    return await release(books, dict.fromkeys(known), {run_id: letters[run_id].traceparent for run_id in known})
