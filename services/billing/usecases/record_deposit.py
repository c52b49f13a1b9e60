"""Take deposits in."""

from collections.abc import Sequence

from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.events.billing import BalanceChanged
from shared.events.payments import FundsDeposited
from shared.messaging.messages import Heard, Say


async def record_deposits(books: Books, heard: Sequence[Heard[FundsDeposited]]) -> list[Say]:
    """Credit each deposit once. Idempotent by (org_id, deposit_id)."""
    first = {(one.event.org_id, one.event.deposit_id): one for one in reversed(heard)}
    new = sorted(first.values(), key=heard.index)
    accounts = await books.lock_accounts({one.event.org_id for one in new})
    known = await books.known_causes([_cause(one.event) for one in new])
    said = []
    postings = []
    for one in new:
        if _cause(one.event) in known:
            continue
        account = accounts[one.event.org_id]
        postings.append(account.deposit(one.event.deposit_id, one.event.amount_cents))
        account.version += 1
        said.append((one, account_part(account)))
    entries = await books.post(postings, accounts.values())
    return [
        Say(BalanceChanged(org_id=one.event.org_id, entries=made, account=account), one.traceparent)
        for (one, account), made in zip(said, entries, strict=True)
    ]


def _cause(event: FundsDeposited) -> str:
    return f"deposit:{event.org_id}:{event.deposit_id}"
