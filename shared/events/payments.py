"""Topic `platform-payments`: money that other platform services took in."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Event
from shared.events.fields import Id, PositiveCents, Text


class FundsDeposited(Event):
    """A deposit. `deposit_id` makes it count once, however often the event comes."""

    org_id: Id
    deposit_id: Annotated[Text, Field(min_length=1, max_length=128)]
    amount_cents: PositiveCents
    currency: Literal["usd"] = "usd"
