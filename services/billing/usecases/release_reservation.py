"""Release the whole hold of runs that cost nothing."""

from collections.abc import Sequence
from dataclasses import replace

from services.billing.domain.reservation import Reservation
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.events.admissions import TestCallExpired
from shared.events.billing import ReservationReleased
from shared.events.executions import TestCallFailed
from shared.messaging.messages import Heard, Say


async def release_ended(books: Books, heard: Sequence[Heard[TestCallFailed | TestCallExpired]]) -> list[Say]:
    """Release what failed and expired runs held. Idempotent by run."""
    for one in heard:
        call_id = one.event.call_id if isinstance(one.event, TestCallFailed) else None
        release(books, one.event.run_id, call_id, one.traceparent)
    return []


def release(books: Books, run_id: int, call_id: int | None, traceparent: str | None) -> None:
    """Void a run's pending reservation; name its call, if one was placed.

    A run whose request was not heard yet is remembered, so that it will not be held for. (Waiting for the request
    would be as right, but a dead letter may name a run that never was, and nothing should wait for that.)
    """
    reservation = books.reservation(run_id)
    if reservation is None:
        books.note_ended_early(run_id)
    elif reservation.status == "pending":
        _release(books, reservation, call_id, traceparent)


def _release(books: Books, reservation: Reservation, call_id: int | None, traceparent: str | None) -> None:
    account = books.account(reservation.org_id)
    books.close(replace(reservation, status="voided"))
    postings = account.release(reservation.run_id, reservation.batch_id, call_id, reservation.held_cents)
    account.version += 1
    after = account_part(account)
    books.post(
        postings,
        lambda entries, at: ReservationReleased(
            run_id=reservation.run_id,
            org_id=account.org_id,
            call_id=call_id,
            released_cents=reservation.held_cents,
            entries=entries,
            account=after,
            billed_at=at,
        ),
        traceparent,
    )
