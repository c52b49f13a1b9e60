"""Release the whole hold of runs that cost nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.billing.domain.reservation import Status
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.errors import NotYet
from shared.events.admissions import TestCallExpired
from shared.events.billing import ReservationReleased
from shared.events.executions import TestCallFailed
from shared.messaging.messages import Heard, Say


async def release_failed(books: Books, heard: Sequence[Heard[TestCallFailed]]) -> list[Say]:
    """Release what failed runs held. Idempotent by run. Raises NotYet for runs whose hold was not heard yet."""
    known = await books.reservations([one.event.run_id for one in heard])
    missing = frozenset(one.position for one in heard if one.event.run_id not in known)
    if missing:
        raise NotYet("failed runs without a hold", missing)
    first = {one.event.run_id: one for one in reversed(heard)}
    return await release(
        books,
        {run_id: one.event.call_id for run_id, one in first.items()},
        {run_id: one.traceparent for run_id, one in first.items()},
    )


async def release_expired(books: Books, heard: Sequence[Heard[TestCallExpired]]) -> list[Say]:
    """Release what expired runs held; remember those whose request was not heard yet. Idempotent by run."""
    known = await books.reservations([one.event.run_id for one in heard])
    await books.note_ended_early({one.event.run_id for one in heard if one.event.run_id not in known})
    first = {one.event.run_id: one for one in reversed(heard) if one.event.run_id in known}
    return await release(books, dict.fromkeys(first), {run_id: one.traceparent for run_id, one in first.items()})


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
