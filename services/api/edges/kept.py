"""How long the API keeps what it shows."""

from services.api.edges.db.desk import KEY_LIFETIME_HOURS
from shared.db.cleaning import Kept
from shared.messaging.kept import MESSAGING_KEPT

WHOSE = "the customer's own: RUNS_KEPT_DAYS, for ever unless it is set; then with its run and its batch"

KEPT = (
    Kept("orgs", "for ever, one row for each organisation"),
    Kept("api_keys", "for ever: a revoked key must stay known as revoked, however often its issue is heard"),
    Kept("agents", "until the platform deletes them"),
    Kept("phone_numbers", "until the platform deletes them"),
    Kept(
        "directory_facts",
        "for ever, as the topic is: when each thing was last spoken of, so that an older word does not bring it back",
    ),
    Kept("funds", "for ever, one row for each organisation"),
    Kept("open_runs", "for ever, one row for each organisation: what its runs add up to"),
    Kept("open_runs_changed", "not beyond the transaction that writes them"),
    Kept("ledger_entries", "for ever: the customer's statement, which sums up to the balance"),
    Kept("runs", WHOSE),
    Kept("calls", WHOSE),
    Kept("batches", WHOSE),
    Kept(
        "recordings", "the customer's own: RECORDINGS_KEPT_DAYS, for ever unless it is set; at the latest with its run"
    ),
    Kept("idempotency_keys", "as long as the contract lets a request be repeated", KEY_LIFETIME_HOURS // 24),
    *MESSAGING_KEPT,
)
