"""Take payments in, and back."""

from collections.abc import Sequence

from services.billing.domain.account import Account, Posting, adjustment_cause, deposit_cause
from services.billing.ports import Books
from services.billing.usecases.saying import account_part
from shared.errors import Poison
from shared.events.billing import BalanceChanged
from shared.events.payments import FundsAdjusted, FundsDeposited
from shared.messaging.messages import Heard, Say

Payment = FundsDeposited | FundsAdjusted


async def record_payments(books: Books, heard: Sequence[Heard[Payment]]) -> list[Say]:
    """Post each payment once. Idempotent by (organisation, deposit_id) and (organisation, adjustment_id).

    Raises Poison for an id that comes again with another amount: which of the two is right is not ours to guess. The
    poll is then halved until that record stands alone, so the others of the poll are posted.
    """
    posted = await books.payments([_cause(one.event) for one in heard])
    for one in heard:
        cause, amount_cents = _cause(one.event), one.event.amount_cents
        if cause not in posted:
            posted[cause] = amount_cents
            _record(books, one)
        elif posted[cause] != amount_cents:
            raise Poison("the id of this payment was used before, with another amount")
    return []


def _record(books: Books, one: Heard[Payment]) -> None:
    account = books.account(one.event.org_id)
    postings = _post(account, one.event)
    account.version += 1
    after = account_part(account)
    books.post(
        postings,
        lambda entries, _: BalanceChanged(org_id=account.org_id, entries=entries, account=after),
        one.traceparent,
    )


def _cause(event: Payment) -> str:
    match event:
        case FundsDeposited():
            return deposit_cause(event.org_id, event.deposit_id)
        case FundsAdjusted():
            return adjustment_cause(event.org_id, event.adjustment_id)


def _post(account: Account, event: Payment) -> list[Posting]:
    match event:
        case FundsDeposited():
            return account.deposit(event.deposit_id, event.amount_cents)
        case FundsAdjusted():
            return account.adjust(event.adjustment_id, event.amount_cents, event.reason)
