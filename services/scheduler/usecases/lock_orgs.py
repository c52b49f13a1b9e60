"""Lock the organisations of a whole poll at once."""

from collections.abc import Sequence
from typing import Any

from services.scheduler.ports import Queue
from shared.messaging.messages import Heard


async def lock_orgs(queue: Queue, heard: Sequence[Heard[Any]]) -> None:
    """Lock in the order of the organisations' ids: a poll has several use cases, and each locks its own."""
    org_ids = [getattr(one.event, "org_id", None) for one in heard]  # a worker's room is no organisation's
    await queue.lock_orgs({org_id for org_id in org_ids if org_id is not None})
