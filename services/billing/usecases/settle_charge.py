"""Charge completed runs and release what their holds have left."""

from collections.abc import Sequence
from dataclasses import replace

from services.billing.domain.reservation import Reservation
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.errors import NotYet
from shared.events.billing import ChargeSettled
from shared.events.executions import TestCallCompleted
from shared.messaging.messages import Heard, Say


async def settle_charges(books: Books, heard: Sequence[Heard[TestCallCompleted]]) -> list[Say]:
    """Settle each completed run once. Idempotent by run. Raises NotYet for runs whose hold was not heard yet."""
    missing = frozenset(one.position for one in heard if books.reservation(one.event.run_id) is None)
    if missing:
        raise NotYet("completed runs without a hold", missing)
    for one in heard:
        reservation = books.reservation(one.event.run_id)
        if reservation is not None and reservation.status == "pending":
            _settle(books, one, reservation)
    return []


def _settle(books: Books, one: Heard[TestCallCompleted], reservation: Reservation) -> None:
    event = one.event
    account = books.account(reservation.org_id)
    run_id, batch_id = reservation.run_id, reservation.batch_id
    charge = reservation.charge_cents(event.duration_seconds)
    rest = reservation.held_cents - charge
    books.close(replace(reservation, status="posted"))
    postings = account.settle(run_id, batch_id, event.call_id, charge)
    postings += account.release(run_id, batch_id, event.call_id, rest)
    account.version += 1
    after = account_part(account)
    books.post(
        postings,
        lambda entries, at: ChargeSettled(
            run_id=run_id,
            org_id=account.org_id,
            call_id=event.call_id,
            settled_cents=charge,
            released_cents=rest,
            billable_minutes=reservation.billable_minutes(event.duration_seconds),
            entries=entries,
            account=after,
            billed_at=at,
        ),
        one.traceparent,
    )
