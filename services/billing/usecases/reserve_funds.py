"""Answer requests: hold the estimates of all their runs, or nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from services.billing.domain.account import Posting
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
    answered = set(await books.answered([one.event.request_id for one in heard]))
    accounts = await books.lock_accounts({one.event.org_id for one in heard})
    ended = await books.ended_early([run.run_id for one in heard for run in one.event.runs])
    postings: list[list[Posting]] = []
    says: list[FundsReserved | FundsDeclined] = []
    reservations: list[Reservation] = []
    answers: dict[int, Answer] = {}
    for one in heard:
        event = one.event
        if event.request_id in answered:
            continue
        answered.add(event.request_id)
        account = accounts[event.org_id]
        estimate_cents = event.price.estimated_cost_cents
        live = [run.run_id for run in event.runs if run.run_id not in ended]
        rows = [_reservation(event, run.run_id) for run in event.runs]
        if not live or account.available_cents < estimate_cents * len(live):
            reason: Literal["insufficient_funds", "request_expired"] = (
                "insufficient_funds" if live else "request_expired"
            )
            answers[event.request_id] = reason
            reservations += rows
            says.append(
                FundsDeclined(
                    request_id=event.request_id,
                    org_id=event.org_id,
                    reason=reason,
                    account=account_part(account),
                )
            )
            postings.append([])
            continue
        answers[event.request_id] = "reserved"
        made = []
        for row in rows:
            if row.run_id in ended:
                reservations.append(row)
            else:
                reservations.append(replace(row, status="pending", held_cents=estimate_cents))
                made += account.hold(row.run_id, event.batch_id, estimate_cents)
        postings.append(made)
        account.version += 1
        says.append(
            FundsReserved(
                request_id=event.request_id,
                org_id=event.org_id,
                run_ids=tuple(live),
                held_cents_per_run=estimate_cents,
                entries=(),
                account=account_part(account),
            )
        )
    entries = await books.post(postings, accounts.values())
    await books.note_answers(answers)
    await books.open_reservations(reservations)
    traceparents = {one.event.request_id: one.traceparent for one in reversed(heard)}
    return [
        Say(
            said.model_copy(update={"entries": made}) if isinstance(said, FundsReserved) else said,
            traceparents[said.request_id],
        )
        for said, made in zip(says, entries, strict=True)
    ]


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
