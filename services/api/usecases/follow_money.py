"""Follow billing: the account, the ledger, and what each run cost at last. Noted here, written when the poll ends."""

from collections.abc import Sequence

from services.api.domain.transitions import Answered, Billed, GivenUp
from services.api.ports import Picture
from shared.events.billing import BalanceChanged, ChargeSettled, FundsDeclined, FundsReserved, ReservationReleased
from shared.messaging.messages import Heard, Say

DECLINED = {
    "insufficient_funds": "The available funds were below the estimate when they were to be held",
    "request_expired": "The funds were not confirmed in time",
    "unreadable_request": "The request could not be read by billing",
}


async def note_reserved(picture: Picture, heard: Sequence[Heard[FundsReserved]]) -> list[Say]:
    """Take the account; the requests' estimates are answered, whatever became of their runs meanwhile."""
    for one in heard:
        picture.notes.of_request(one.event.request_id, Answered())
        _take(picture, one.event)
    return []


async def fail_declined(picture: Picture, heard: Sequence[Heard[FundsDeclined]]) -> list[Say]:
    """Fail all runs of declined requests."""
    for one in heard:
        event = one.event
        picture.notes.of_request(event.request_id, Answered())
        picture.notes.of_request(event.request_id, GivenUp(DECLINED[event.reason], one.occurred_at))
        if event.account is not None and event.org_id is not None:
            picture.accounts.append((event.org_id, event.account, ()))
    return []


async def note_balance(picture: Picture, heard: Sequence[Heard[BalanceChanged]]) -> list[Say]:
    """Take the account and its new entries."""
    for one in heard:
        _take(picture, one.event)
    return []


async def note_settled(picture: Picture, heard: Sequence[Heard[ChargeSettled]]) -> list[Say]:
    """Note what runs cost. May come before their completion is heard, or instead of it."""
    for one in heard:
        event = one.event
        _take(picture, event)
        picture.notes.of_run(event.run_id, Billed(event.settled_cents, event.billable_minutes, event.billed_at))
    return []


async def note_released(picture: Picture, heard: Sequence[Heard[ReservationReleased]]) -> list[Say]:
    """Note runs that cost nothing."""
    for one in heard:
        _take(picture, one.event)
        picture.notes.of_run(one.event.run_id, Billed(0, 0, one.event.billed_at))
    return []


def _take(picture: Picture, event: FundsReserved | BalanceChanged | ChargeSettled | ReservationReleased) -> None:
    picture.accounts.append((event.org_id, event.account, event.entries))
