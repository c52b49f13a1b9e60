"""Follow billing: the account, the ledger, and what each run cost at last."""

from collections.abc import Sequence

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
    await picture.mark_answered([one.event.request_id for one in heard])
    await _take(picture, heard)
    return []


async def fail_declined(picture: Picture, heard: Sequence[Heard[FundsDeclined]]) -> list[Say]:
    """Fail all runs of declined requests."""
    reasons = {one.event.request_id: DECLINED[one.event.reason] for one in heard}
    await picture.mark_answered(list(reasons))
    await picture.fail_requests(reasons, {one.event.request_id: one.occurred_at for one in heard})
    accounts = [
        (one.event.org_id, one.event.account)
        for one in heard
        if one.event.account is not None and one.event.org_id is not None
    ]
    await picture.take_accounts(accounts, [])
    return []


async def note_balance(picture: Picture, heard: Sequence[Heard[BalanceChanged]]) -> list[Say]:
    """Take the account and its new entries."""
    await _take(picture, heard)
    return []


async def note_settled(picture: Picture, heard: Sequence[Heard[ChargeSettled]]) -> list[Say]:
    """Note what runs cost. May come before their completion is heard, or instead of it."""
    await _take(picture, heard)
    await picture.bill(
        [(one.event.run_id, one.event.settled_cents, one.event.billable_minutes, one.event.billed_at) for one in heard]
    )
    return []


async def note_released(picture: Picture, heard: Sequence[Heard[ReservationReleased]]) -> list[Say]:
    """Note runs that cost nothing."""
    await picture.bill([(one.event.run_id, 0, 0, one.event.billed_at) for one in heard])
    await _take(picture, heard)
    return []


async def _take(
    picture: Picture, heard: Sequence[Heard[FundsReserved | BalanceChanged | ChargeSettled | ReservationReleased]]
) -> None:
    await picture.take_accounts(
        [(one.event.org_id, one.event.account) for one in heard],
        [(one.event.org_id, entry) for one in heard for entry in one.event.entries],
    )
