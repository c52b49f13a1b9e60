"""A row that can't be sent is set aside and stops nobody; what only can't be sent now waits."""

import json
import logging
import re
from pathlib import Path

import pytest

from shared.events.envelope import Sealed, header
from shared.messaging import rounds
from shared.messaging.aside import SEND_AGAIN
from shared.messaging.outbox import write_headers
from tests.integration.messaging.conftest import RunRelay
from tests.support import topics
from tests.support.toy_service import Toy
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TOPIC, OTHER_TOPIC = "platform-payments", "billing-entries"
GOOD_HEADERS = write_headers([("ce_subject", b"good")])
README = Path(__file__).parents[3] / "README.md"


async def _insert(
    toy: Toy, topic: str, value: bytes | None, headers: bytes = GOOD_HEADERS, key: bytes | None = b"1"
) -> None:
    async with toy.database.transaction() as transaction:
        await transaction.run(
            "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, :key, :value, :headers)",
            topic=topic, key=key, value=value, headers=headers,
        )  # fmt: skip


async def _write(toy: Toy, *ids: str, bytes_each: int = 10, topic: str = TOPIC) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write_sealed(
            transaction, [Sealed(topic, b"1", b"x" * bytes_each, [("ce_subject", one.encode())]) for one in ids]
        )


async def _published(toy: Toy, *ids: str, topic: str = TOPIC) -> None:
    """Wait for records; these, in this order, and none twice."""
    records = await toy.published(topic, count=len(ids))
    assert [header(record.headers, "ce_subject") for record in records] == list(ids)  # type: ignore[attr-defined]


async def _aside(toy: Toy, count: int) -> list[str]:
    async def there() -> bool:
        return await toy.value("SELECT count(*) FROM outbox_aside") == count

    await eventually(there, what=f"{count} rows set aside")
    async with toy.database.reading() as transaction:
        return [row.reason for row in await transaction.rows("SELECT reason FROM outbox_aside ORDER BY id")]


async def test_a_row_too_large_for_its_topic_is_set_aside_and_those_around_it_are_sent_once_and_in_order(
    toy: Toy, a_relay: RunRelay
) -> None:
    await topics.create_anew(toy.bootstrap, toy.prefix + TOPIC, max_message_bytes="100000")
    await _write(toy, *(f"before{n}" for n in range(20)))
    await _write(toy, "large", bytes_each=150_000)
    await _write(toy, *(f"after{n}" for n in range(20)))
    async with a_relay():
        await _published(toy, *(f"before{n}" for n in range(20)), *(f"after{n}" for n in range(20)))
        assert await _aside(toy, 1) == ["aiokafka.errors.MessageSizeTooLargeError"]


async def test_rows_whose_batch_is_too_large_are_innocent(toy: Toy, a_relay: RunRelay) -> None:
    """Each fits, together they don't: a topic whose limit is below the size of our batches."""
    await topics.create_anew(toy.bootstrap, toy.prefix + TOPIC, max_message_bytes="100000")
    await _write(toy, *(f"d{n}" for n in range(8)), bytes_each=60_000)
    async with a_relay():
        await _published(toy, *(f"d{n}" for n in range(8)))
        assert await toy.value("SELECT count(*) FROM outbox_aside") == 0


async def test_the_acknowledgement_of_the_others_is_not_lost_with_one_that_is_refused(
    toy: Toy, a_relay: RunRelay
) -> None:
    """The broker takes one topic's rows and refuses the other's in one answer."""
    await topics.create_anew(toy.bootstrap, toy.prefix + TOPIC, max_message_bytes="1000")
    await _write(toy, "large0", "large1", "large2", bytes_each=2_000)
    await _write(toy, "other0", "other1", topic=OTHER_TOPIC)
    async with a_relay() as relay:
        await _aside(toy, 3)
        await relay.flush()
    await _published(toy, "other0", "other1", topic=OTHER_TOPIC)


async def test_whatever_is_wrong_with_a_row_is_its_own_matter(
    toy: Toy, a_relay: RunRelay, caplog: pytest.LogCaptureFixture
) -> None:
    await _insert(toy, TOPIC, b"x", headers=json.dumps([["\ud800", "x"]]).encode())
    await _insert(toy, TOPIC, b"x", headers=b"{not json")
    await _insert(toy, TOPIC, b"x", headers=b'[["name", null]]')
    await _insert(toy, TOPIC, None, key=None)
    await _insert(toy, TOPIC, b"x" * 3_000_000)
    await _insert(toy, "nobody-knows-this-topic", b"x")
    await _insert(toy, "not a name of a topic", b"x")
    await _write(toy, "good")
    with caplog.at_level(logging.CRITICAL):
        async with a_relay():
            await _published(toy, "good")
            reasons = await _aside(toy, 7)
    assert [reason.split(" before")[0].rpartition(".")[2] for reason in reasons] == [
        "UnicodeEncodeError",
        "JSONDecodeError",
        "AttributeError",
        "ValueError",
        "MessageSizeTooLargeError",
        "no such topic",
        "no such topic",
    ]
    assert sum("set aside" in record.message for record in caplog.records) == 7


async def test_rows_of_a_topic_that_is_missing_wait_for_it_and_the_others_go_on(toy: Toy, a_relay: RunRelay) -> None:
    await topics.delete(toy.bootstrap, toy.prefix + TOPIC)
    await _write(toy, "first", "second")
    await _write(toy, "other", topic=OTHER_TOPIC)
    async with a_relay(oldest_row_seconds=1.0) as relay:
        await _published(toy, "other", topic=OTHER_TOPIC)
        await _write(toy, *(f"d{n}" for n in range(rounds.MAX_READ_ROWS)))
        await _write(toy, "another", topic=OTHER_TOPIC)
        await _published(toy, "other", "another", topic=OTHER_TOPIC)

        async def unready() -> bool:
            return not relay.ready()

        await eventually(unready, what="the relay tells of old rows")
        await topics.create(toy.bootstrap, toy.prefix + TOPIC)
        await _published(toy, "first", "second", *(f"d{n}" for n in range(rounds.MAX_READ_ROWS)))
        await eventually(_ready(relay), what="the relay is ready again")
    assert await toy.value("SELECT count(*) FROM outbox_aside") == 0


async def test_an_operator_sends_again_what_was_set_aside(toy: Toy, a_relay: RunRelay) -> None:
    await topics.create_anew(toy.bootstrap, toy.prefix + TOPIC, max_message_bytes="100000")
    await _write(toy, "large0", "large1", bytes_each=150_000)
    await _write(toy, "small")
    async with a_relay() as relay:
        await _published(toy, "small")
        await _aside(toy, 2)
        await topics.configure(toy.bootstrap, toy.prefix + TOPIC, max_message_bytes="1000000")

        async def sent_again() -> bool:
            async with toy.database.transaction() as transaction:
                await transaction.run(SEND_AGAIN)
            await relay.flush()
            async with toy.database.reading() as transaction:
                return not await transaction.rows("SELECT id FROM outbox UNION ALL SELECT id FROM outbox_aside")

        await eventually(sent_again)
        await _published(toy, "small", "large0", "large1")


def test_the_statement_for_operators_is_in_the_readme() -> None:
    assert re.sub(r"\s+", " ", SEND_AGAIN).strip() in re.sub(r"\s+", " ", README.read_text())


def _ready(relay: object):  # type: ignore[no-untyped-def]
    async def ready() -> bool:
        return relay.ready()  # type: ignore[attr-defined, no-any-return]

    return ready
