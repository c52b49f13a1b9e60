"""Charge completed runs and release what their holds have left."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.billing.domain.reservation import Status
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.errors import NotYet
from shared.events.billing import ChargeSettled
from shared.events.executions import TestCallCompleted
from shared.messaging.messages import Heard, Say


async def settle_charges(books: Books, heard: Sequence[Heard[TestCallCompleted]]) -> list[Say]:
    """Settle each completed run once. Idempotent by run. Raises NotYet for runs whose hold was not heard yet."""
    first = {one.event.run_id: one for one in reversed(heard)}
    reservations = await books.reservations(first)
    missing = frozenset(one.position for one in heard if one.event.run_id not in reservations)
    if missing:
        raise NotYet("completed runs without a hold", missing)
    accounts = await books.lock_accounts({reservation.org_id for reservation in reservations.values()})
    reservations = await books.reservations(first)  # as they are under the lock
    postings = []
    said = []
    outcomes: dict[int, Status] = {}
    for run_id, one in first.items():
        reservation = reservations[run_id]
        if reservation.status != "pending":
            continue
        account = accounts[reservation.org_id]
        event = one.event
        charge = reservation.charge_cents(event.duration_seconds)
        rest = reservation.held_cents - charge
        postings.append(
            account.settle(run_id, reservation.batch_id, event.call_id, charge)
            + account.release(run_id, reservation.batch_id, event.call_id, rest)
        )
        account.version += 1
        outcomes[run_id] = "posted"
        minutes = reservation.billable_minutes(event.duration_seconds)
        said.append((one, reservation.org_id, charge, rest, minutes, account_part(account)))
    entries = await books.post(postings, accounts.values())
    await books.close_reservations(outcomes)
    return [
        Say(
            ChargeSettled(
                run_id=one.event.run_id,
                org_id=org_id,
                call_id=one.event.call_id,
                settled_cents=charge,
                released_cents=rest,
                billable_minutes=minutes,
                entries=made,
                account=account,
                billed_at=made[-1].created_at if made else datetime.now(UTC),
            ),
            one.traceparent,
        )
        for (one, org_id, charge, rest, minutes, account), made in zip(said, entries, strict=True)
    ]
