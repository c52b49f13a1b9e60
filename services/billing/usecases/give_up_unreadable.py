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
    books.refuse_payments(
        deposits=sum(concerns(letter, "FundsDeposited") for letter in letters),
        adjustments=sum(concerns(letter, "FundsAdjusted") for letter in letters),
    )
    requests = _by_subject(letters, "TestCallRequested")
    await books.read_requests(requests, ())
    for request_id, letter in sorted(requests.items()):
        if not books.is_answered(request_id):
            _decline(books, request_id, letter)
    ends = _by_subject(letters, *ENDS)
    await books.read_reservations(ends)
    for run_id, letter in ends.items():
        release(books, run_id, None, letter.traceparent)
    return []


def _by_subject(letters: Sequence[DeadLetter], *names: str) -> dict[int, DeadLetter]:
    return {
        subject: letter
        for letter in letters
        if concerns(letter, *names) and (subject := subject_id(letter)) is not None
    }


def _decline(books: Books, request_id: int, letter: DeadLetter) -> None:
    declined = FundsDeclined(request_id=request_id, org_id=None, reason="unreadable_request", account=None)
    books.answer(request_id, "unreadable_request")
    books.post((), lambda *_: declined, letter.traceparent)
