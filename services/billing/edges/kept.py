"""How long billing keeps what it knows. Deleting never costs a promise: the ledger alone refuses a second hold."""

from shared.db.cleaning import Kept
from shared.messaging.kept import MESSAGING_KEPT

# Longer than topics (9 days at most) and their dead letters (16) keep what could ask for it again.
ANSWERS_KEPT_DAYS = 30

REQUESTS = Kept(
    "requests",
    "a request that comes again is answered once",
    ANSWERS_KEPT_DAYS,
    "request_id",
    "answered_at < now() - make_interval(days => :days)",
)
RESERVATIONS = Kept(
    "reservations",
    "an end that comes again finds its hold closed; pending ones stay",
    ANSWERS_KEPT_DAYS,
    "run_id",
    "status <> 'pending' AND changed_at < now() - make_interval(days => :days)",
)
ENDED_EARLY = Kept(
    "ended_early",
    "a request that comes after its runs' end is not held for",
    ANSWERS_KEPT_DAYS,
    "run_id",
    "noted_at < now() - make_interval(days => :days)",
)
CLEANED = (REQUESTS, RESERVATIONS, ENDED_EARLY)
KEPT = (
    Kept("accounts", "for ever, one row for each organisation: the ledger is summed up in it"),
    Kept("ledger", "for ever: books are kept by law, and a trigger refuses to delete from them"),
    *CLEANED,
    *MESSAGING_KEPT,
)
