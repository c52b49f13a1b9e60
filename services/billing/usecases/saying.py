"""The account as billing's events carry it."""

from services.billing.domain.account import Account
from shared.events import billing


def account_part(account: Account) -> billing.Account:
    """Return the account as it is now."""
    return billing.Account(balance_cents=account.balance_cents, held_cents=account.held_cents, version=account.version)
