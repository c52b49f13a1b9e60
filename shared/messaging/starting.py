"""Starting a Kafka client without leaving something open when it is told to stop meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any

PATIENCE_SECONDS = 2.0


async def uninterrupted(start: Coroutine[Any, Any, None]) -> None:
    """Start a client. aiokafka forgets its first connection when it is interrupted: let it come to an end before."""
    starting = asyncio.create_task(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=PATIENCE_SECONDS)
        if not starting.cancel() and not starting.cancelled():
            starting.exception()  # nobody asks for it any more
        raise
