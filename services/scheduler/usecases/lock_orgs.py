"""Lock the organisations of a whole poll at once."""

from collections.abc import Sequence
from typing import Any

from services.scheduler.ports import Queue
from shared.messaging.messages import Heard


async def lock_orgs(queue: Queue, heard: Sequence[Heard[Any]]) -> None:
    """Lock in the order of the organisations' ids: a poll has several use cases, and each locks its own."""
    await queue.lock_orgs({one.event.org_id for one in heard if one.event.org_id is not None})
