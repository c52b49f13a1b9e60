"""A GET that waits for the end of what it asks for: a long poll. Whoever goes away meanwhile is let go."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import ClientDisconnect

from services.api.edges.http.guard import WAITED
from services.api.edges.http.models.base import Given
from services.api.edges.http.models.query import Between
from services.api.edges.http.resource import ApiRequest
from services.api.ports import Awaited, Reading, Shown

MAX_WAIT_SECONDS = 60


class WaitQuery(Given):
    """How long to wait."""

    wait: Annotated[
        int,
        Between(0, MAX_WAIT_SECONDS),
        Field(description="Seconds to wait for its end; it is answered as it is when it has ended or they are over."),
    ] = 0


async def waited(request: ApiRequest, awaited: Awaited, seconds: int) -> Shown | None:
    """Return it as it is once it has ended, or so many seconds are over. What does not exist is not waited for."""
    if not seconds:
        async with request.reading() as reading:
            return await _one(reading, awaited)
    waits = request.app.state.waits
    async with waits.reads.of(awaited.org_id) as reading:
        row = await _one(reading, awaited)
    if row is None or row["completed_at"] is not None:
        return row
    now = asyncio.get_running_loop().time
    began = now()
    try:
        await _while_there(request, waits.ended(awaited, seconds))
    finally:
        request.scope["state"][WAITED] = now() - began
    async with waits.reads.of(awaited.org_id) as reading:
        return await _one(reading, awaited)


async def _one(reading: Reading, awaited: Awaited) -> Shown | None:
    return await (reading.run(awaited.id) if awaited.kind == "run" else reading.batch(awaited.id))


async def _while_there(request: ApiRequest, waiting: Coroutine[Any, Any, None]) -> None:
    """Wait as long as the client does. Raises ClientDisconnect."""
    wait, leave = asyncio.create_task(waiting), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({wait, leave}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_gone = leave.done()
        for task in (wait, leave):
            task.cancel()
        await asyncio.wait({wait, leave})
    if is_gone:
        leave.result()  # it may have sent too much meanwhile, or too slowly
        raise ClientDisconnect
    wait.result()


async def _gone(request: ApiRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
