"""Release the whole hold of runs that cost nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.billing.domain.reservation import Status
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.events.admissions import TestCallExpired
from shared.events.billing import ReservationReleased
from shared.events.executions import TestCallFailed
from shared.messaging.messages import Heard, Say


async def release_ended(books: Books, heard: Sequence[Heard[TestCallFailed | TestCallExpired]]) -> list[Say]:
    """Release what failed and expired runs held. Idempotent by run.

    A run whose request was not heard yet is remembered, so that it will not be held for. (Waiting for the request
    would be as right, but a dead letter may name a run that never was, and nothing should wait for that.)
    """
    first = {one.event.run_id: one for one in reversed(heard)}
    known = await books.reservations(first)
    await books.note_ended_early(set(first) - set(known))
    return await release(
        books,
        {run_id: _call_of(first[run_id].event) for run_id in known},
        {run_id: first[run_id].traceparent for run_id in known},
    )


def _call_of(event: TestCallFailed | TestCallExpired) -> int | None:
    return event.call_id if isinstance(event, TestCallFailed) else None


async def release(
    books: Books, call_ids: Mapping[int, int | None], traceparents: Mapping[int, str | None]
) -> list[Say]:
    """Void the pending reservations among these runs (run → call, if one was placed)."""
    reservations = await books.reservations(call_ids)
    accounts = await books.lock_accounts({reservation.org_id for reservation in reservations.values()})
    reservations = await books.reservations(call_ids)  # as they are under the lock
    postings = []
    said = []
    outcomes: dict[int, Status] = {}
    for run_id, reservation in reservations.items():
        if reservation.status != "pending":
            continue
        account = accounts[reservation.org_id]
        call_id = call_ids[run_id]
        postings.append(account.release(run_id, reservation.batch_id, call_id, reservation.held_cents))
        account.version += 1
        outcomes[run_id] = "voided"
        said.append((reservation, call_id, account_part(account)))
    entries = await books.post(postings, accounts.values())
    await books.close_reservations(outcomes)
    return [
        Say(
            ReservationReleased(
                run_id=reservation.run_id,
                org_id=reservation.org_id,
                call_id=call_id,
                released_cents=reservation.held_cents,
                entries=made,
                account=account,
                billed_at=made[-1].created_at if made else datetime.now(UTC),
            ),
            traceparents.get(reservation.run_id),
        )
        for (reservation, call_id, account), made in zip(said, entries, strict=True)
    ]
