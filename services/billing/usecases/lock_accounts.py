"""Lock the accounts of a whole poll at once."""

from collections.abc import Sequence
from typing import Any

from services.billing.ports import Books
from shared.messaging.messages import Heard


async def lock_accounts(books: Books, heard: Sequence[Heard[Any]]) -> None:
    """Lock in the order of the organisations' ids: a poll has several use cases, and each locks its own."""
    await books.lock_accounts({one.event.org_id for one in heard if one.event.org_id is not None})
