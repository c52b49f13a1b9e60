"""The demo agent's order book: every number is an order, and always the same one."""

from dataclasses import dataclass
from hashlib import sha256

CARRIERS = ("ParcelWay", "Northline", "QuickPost")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the demo agent's lookup tool gives it."""

    number: str
    days_since_purchase: int
    carrier: str
    arrives_in_days: int


def look_up(number: str) -> Order:
    """Return the order of a number: made from its digest, so that the same number always gives the same order."""
    digest = sha256(number.upper().encode()).digest()
    return Order(number.upper(), 5 + digest[0] % 20, CARRIERS[digest[1] % len(CARRIERS)], 1 + digest[2] % 3)
