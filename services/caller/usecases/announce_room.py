"""Say how many calls a worker takes."""

from datetime import datetime

from shared.events.executions import CallerRoomAnnounced
from shared.messaging.messages import Say


def announce_room(worker_id: str, *, calls_limit: int, calls_up: int, now: datetime) -> Say:
    """Return the announcement. `calls_limit` is 0 for a worker that takes no more; what it holds goes on."""
    return Say(CallerRoomAnnounced(worker_id=worker_id, calls_limit=calls_limit, calls_up=calls_up, announced_at=now))
