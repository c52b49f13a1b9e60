"""What the tests of a leading relay write, and how they see that it was published."""

import asyncio
from contextlib import suppress

from shared.events.envelope import Sealed, header
from tests.support.toy_service import Toy
from tests.support.waiting import eventually

TOPIC = "platform-payments"


async def until_it_leads(toy: Toy) -> None:
    async def leads() -> bool:
        return toy.relay.is_leading()

    await eventually(leads)
    await toy.relay.flush()


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def write(toy: Toy, *ids: str) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write_sealed(transaction, [a_record(one) for one in ids])


def a_record(subject: str) -> Sealed:
    return Sealed(TOPIC, b"1", b"{}", [("ce_subject", subject.encode())])


async def published(toy: Toy, *ids: str) -> None:
    """Wait for records; these, in this order, and none twice."""
    records = await toy.published(TOPIC, count=len(ids))
    assert [header(record.headers, "ce_subject") for record in records] == list(ids)  # type: ignore[attr-defined]


async def emptied(toy: Toy) -> None:
    async def empty() -> bool:
        return await toy.value("SELECT count(*) FROM outbox") == 0

    await eventually(empty, what="the outbox is empty")
