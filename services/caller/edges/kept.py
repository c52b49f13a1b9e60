"""How long the caller keeps what it knows."""

from services.caller.domain.limits import ENDED_ATTEMPTS_KEPT_DAYS
from shared.db.cleaning import Kept
from shared.messaging.kept import MESSAGING_KEPT

ATTEMPTS = Kept(
    "attempts",
    "a dispatch that comes again places no second call; what goes on stays",
    ENDED_ATTEMPTS_KEPT_DAYS,
    "run_id",
    "ended_at < now() - make_interval(days => :days)",
)
KEPT = (ATTEMPTS, *MESSAGING_KEPT)
