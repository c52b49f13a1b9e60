"""Topic `platform-payments`: money that other platform services took in, took back or gave."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.events.event import Event
from shared.events.fields import Id, PositiveCents, SignedCents, Text

MAX_PAYMENT_ID_CHARS = 128
MAX_REASON_CHARS = 255


def _not_zero(cents: int) -> int:
    if cents == 0:
        raise ValueError("must not be 0")
    return cents


PaymentId = Annotated[Text, Field(min_length=1, max_length=MAX_PAYMENT_ID_CHARS)]


class FundsDeposited(Event):
    """A deposit. `deposit_id` makes it count once, however often the event comes.

    The same id with another amount is refused: one of the two is wrong, and only an operator can say which.
    """

    org_id: Id
    deposit_id: PaymentId
    amount_cents: PositiveCents
    currency: Literal["usd"] = "usd"


class FundsAdjusted(Event):
    """A correction: below zero, a payment was taken back (a chargeback, a refund); above, something was given.

    `adjustment_id` makes it count once, as `deposit_id` does; the two are ids of different kinds.
    """

    org_id: Id
    adjustment_id: PaymentId
    amount_cents: Annotated[SignedCents, AfterValidator(_not_zero)]
    currency: Literal["usd"] = "usd"
    reason: Annotated[Text, Field(min_length=1, max_length=MAX_REASON_CHARS)]
