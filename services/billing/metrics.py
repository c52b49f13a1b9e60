"""Billing's own metrics."""

from prometheus_client import Counter

ENTRIES = Counter("rehearsal_ledger_entries", "Ledger entries written.", ("kind",))
SETTLED_CENTS = Counter("rehearsal_settled_cents", "Charged to customers, in US cents.")
DECLINED = Counter("rehearsal_funds_declined", "Requests that billing declined.", ("reason",))
PAYMENTS_REFUSED = Counter(
    "rehearsal_payments_refused", "ALARM: payments that went to the dead letters, unposted.", ("kind",)
)
