"""How long the scheduler keeps what it knows. `cleaner.py` deletes it."""

from services.scheduler.domain.limits import ENDED_RUNS_KEPT_DAYS
from shared.db.cleaning import Kept
from shared.messaging.kept import MESSAGING_KEPT

KEPT = (
    Kept("orgs", "for ever, one row for each organisation: its slots are counted in it"),
    Kept("requests", "until all runs of the request have ended: no dispatch carries it any more"),
    Kept("runs", "a request that comes again is not queued again; what goes on stays", ENDED_RUNS_KEPT_DAYS),
    Kept("funds_stubs", "funds whose request comes later", ENDED_RUNS_KEPT_DAYS),
    Kept("ended_early", "a request that comes after its runs' end is not queued", ENDED_RUNS_KEPT_DAYS),
    Kept("workers", "until a day after they were last heard of: the next announcement would say all of it again"),
    *MESSAGING_KEPT,
)
