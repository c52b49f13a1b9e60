"""Answer requests: hold the estimates of all their runs, or nothing."""

from collections.abc import Sequence
from dataclasses import replace

from services.billing.domain.reservation import Answer, Reservation
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.events.billing import FundsDeclined, FundsReserved
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Heard, Say


async def reserve_funds(books: Books, heard: Sequence[Heard[TestCallRequested]]) -> list[Say]:
    """Answer each request once, in the order they came. Idempotent by request_id.

    A run that ended before its request was heard (the scheduler gave it up) is not held for; a request of which no
    run is left is declined.
    """
    await books.read_requests(
        [one.event.request_id for one in heard], [run.run_id for one in heard for run in one.event.runs]
    )
    for one in heard:
        if not books.is_answered(one.event.request_id):
            _answer(books, one)
    return []


def _answer(books: Books, one: Heard[TestCallRequested]) -> None:
    event = one.event
    account = books.account(event.org_id)
    estimate_cents = event.price.estimated_cost_cents
    live = tuple(run.run_id for run in event.runs if not books.has_ended(run.run_id))
    answer: Answer = "reserved" if live else "request_expired"
    if live and account.available_cents < estimate_cents * len(live):
        answer = "insufficient_funds"
    books.answer(event.request_id, answer)
    for run in event.runs:
        books.open(_reservation(event, run.run_id))
    if answer != "reserved":
        declined = FundsDeclined(
            request_id=event.request_id, org_id=event.org_id, reason=answer, account=account_part(account)
        )
        books.post((), lambda *_: declined, one.traceparent)
        return
    postings = []
    for run_id in live:
        books.open(replace(_reservation(event, run_id), status="pending", held_cents=estimate_cents))
        postings += account.hold(run_id, event.batch_id, estimate_cents)
    account.version += 1
    after = account_part(account)
    books.post(
        postings,
        lambda entries, _: FundsReserved(
            request_id=event.request_id,
            org_id=event.org_id,
            run_ids=live,
            held_cents_per_run=estimate_cents,
            entries=entries,
            account=after,
        ),
        one.traceparent,
    )


def _reservation(event: TestCallRequested, run_id: int) -> Reservation:
    """Return a run's row as if nothing were held for it."""
    return Reservation(
        run_id=run_id,
        request_id=event.request_id,
        org_id=event.org_id,
        batch_id=event.batch_id,
        status="voided",
        held_cents=0,
        tariff_cents_per_minute=event.price.tariff_cents_per_minute,
        charge_multiplier=event.price.charge_multiplier,
        held_minutes=event.price.held_minutes,
    )
