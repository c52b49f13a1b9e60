"""Lock the accounts of a whole poll at once, and read the holds that it ends."""

from collections.abc import Sequence
from typing import Any

from services.billing.ports import Books
from shared.events.admissions import TestCallExpired
from shared.events.executions import TestCallCompleted, TestCallFailed
from shared.messaging.messages import Heard

End = TestCallExpired | TestCallCompleted | TestCallFailed


async def lock_accounts(books: Books, heard: Sequence[Heard[Any]]) -> None:
    """Lock in the order of the organisations' ids: an end whose organisation is not known names it by its hold."""
    await books.lock_accounts({one.event.org_id for one in heard if one.event.org_id is not None})
    await books.read_reservations([one.event.run_id for one in heard if isinstance(one.event, End)])
