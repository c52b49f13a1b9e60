"""What an outbox knows of a relay, where none runs: rows stay in the table, and a test takes them from there."""

from collections.abc import Sequence

from shared.db.transaction import Outcome
from shared.messaging.handover import Row


class NobodyPublishes:
    """Seems to lead, so that nobody is notified."""

    channel = "nobody"

    def is_leading(self) -> bool:
        return True

    def commit_asked(self, rows: Sequence[Row]) -> Outcome:
        return lambda surely: None
