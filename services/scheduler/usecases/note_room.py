"""Note which workers there are, and their room."""

from collections.abc import Sequence

from services.scheduler.domain.run import Room
from services.scheduler.ports import Queue
from shared.events.executions import CallerRoomAnnounced
from shared.messaging.messages import Heard, Say


async def note_room(queue: Queue, heard: Sequence[Heard[CallerRoomAnnounced]]) -> list[Say]:
    """Note the last announcement of each worker. Only room that is new is worth a tick: workers repeat themselves."""
    last = {one.event.worker_id: one.event for one in heard}
    rooms = [Room(one.worker_id, one.calls_limit, one.calls_up, one.announced_at) for _, one in sorted(last.items())]
    if await queue.note_rooms(rooms):
        queue.wake_in(0)
    return []
