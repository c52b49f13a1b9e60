"""Consuming is exactly-once in effect (real Kafka, real PostgreSQL)."""

import asyncio

import asyncpg
import pytest

from shared.db.failures import is_transient
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def _has(toy: Toy, *ids: str) -> None:
    async def all_there() -> bool:
        try:
            return sorted(await toy.ids()) == sorted(ids)
        except Exception as error:
            if not is_transient(error):
                raise
            return False  # the test has just killed the connection that it asks through

    await eventually(all_there, what=f"the deposits {ids}")


async def test_a_poll_is_applied_in_one_transaction_and_answers_leave_through_the_outbox(toy: Toy) -> None:
    await toy.publish(*(a_deposit(f"d{n}") for n in range(20)))
    async with running(toy):
        await _has(toy, *(f"d{n}" for n in range(20)))
        assert await toy.value("SELECT count(DISTINCT transaction_id) FROM toy_deposits") == 1
        records = await toy.published("billing-entries", count=20)
        assert len(records) == 20

        async def emptied() -> bool:
            return await toy.value("SELECT count(*) FROM outbox") == 0

        await eventually(emptied, what="the outbox emptied")


async def test_a_restarted_consumer_goes_on_where_the_effects_ended(toy: Toy, test_database: TestDatabase) -> None:
    await toy.publish(a_deposit("before"))
    async with running(toy):
        await _has(toy, "before")
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    await again.publish(a_deposit("after"))
    async with running(again):
        await _has(again, "before", "after")


async def test_effects_and_offsets_are_lost_together(toy: Toy, test_database: TestDatabase) -> None:
    """A process that dies before the commit has done nothing, so the records come again; after it, they do not."""
    await toy.publish(a_deposit("d1"))
    async with running(toy):
        await _has(toy, "d1")
        assert await toy.value("SELECT sum(next_offset) FROM consumer_offsets") == 1
    # As if the commit had never been: both are taken back.
    async with toy.database.transaction() as transaction:
        await transaction.run("DELETE FROM toy_deposits")
        await transaction.run("UPDATE consumer_offsets SET next_offset = 0")
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    async with running(again):
        await _has(again, "d1")


async def test_a_poison_record_goes_to_the_dead_letters_with_its_reason_and_the_rest_goes_on(toy: Toy) -> None:
    headers = [("ce_type", b"platform.FundsDeposited.v1"), ("ce_subject", b"d-bad")]
    await toy.publish(a_deposit("d1"))
    await toy.publish_raw(
        ("platform-payments", b"1", b"{not json", headers),
        ("platform-payments", b"1", b'{"org_id": "one", "deposit_id": "x", "amount_cents": 5}', headers),
        ("platform-payments", b"1", None, headers),
        ("platform-payments", b"1", b"{}", []),
        ("platform-payments", b"1", b"{}", [("ce_type", b"\xff\xfe")]),
        ("platform-payments", b"1", b"{}", [("ce_type", b"platform.FundsDeposited.v99")]),
        ("platform-payments", b"1", b"{}", [("ce_type", b"platform.NobodyKnows.v1")]),
    )
    await toy.publish(a_deposit("d2"))
    async with running(toy):
        await _has(toy, "d1", "d2")
        dead = await toy.published("platform-payments-dlq", count=6)
        reasons = sorted(dict(record.headers)["dlq_reason"].decode() for record in dead)  # type: ignore[attr-defined]
        assert reasons == [
            "no readable ce_type header",
            "no readable ce_type header",
            "platform.FundsDeposited.v1 is not readable: org_id: int_type",
            "platform.FundsDeposited.v1 is not readable: value: json_invalid",
            "platform.FundsDeposited.v1 without a value",
            "platform.FundsDeposited.v99 is a version that this service does not know",
        ]
        assert {record.value for record in dead} == {  # type: ignore[attr-defined]
            b"{not json",
            b'{"org_id": "one", "deposit_id": "x", "amount_cents": 5}',
            None,
            b"{}",
        }
        assert await toy.value("SELECT count(*) FROM toy_letters WHERE subject = 'd-bad'") == 3


async def test_a_record_that_breaks_the_statement_is_found_by_halving_and_the_others_are_kept(toy: Toy) -> None:
    deposits = [a_deposit(f"d{n}", amount_cents=666 if n in (7, 23) else 5) for n in range(40)]
    await toy.publish(*deposits)
    async with running(toy):
        await _has(toy, *(f"d{n}" for n in range(40) if n not in (7, 23)))
        dead = await toy.published("platform-payments-dlq", count=2)
        assert {dict(record.headers)["ce_subject"] for record in dead} == {b"d7", b"d23"}  # type: ignore[attr-defined]
        assert all(b"666" not in dict(record.headers)["dlq_reason"] for record in dead)  # type: ignore[attr-defined]
    assert await toy.ids() == [f"d{n}" for n in range(40) if n not in (7, 23)], "the order is kept"


ORG, ORG_OF_THE_OTHER_PARTITION = 1, 2  # by the hash of their keys, over two partitions


async def test_records_that_wait_for_others_hold_their_partition_back_and_nothing_else(toy: Toy) -> None:
    await toy.publish(
        a_deposit("waits-for:late", org_id=ORG),
        a_deposit("behind", org_id=ORG),
        a_deposit("other", org_id=ORG_OF_THE_OTHER_PARTITION),
    )
    async with running(toy):
        await _has(toy, "other")
        await toy.publish(a_deposit("late", org_id=ORG_OF_THE_OTHER_PARTITION))
        await _has(toy, "other", "late", "waits-for:late", "behind")
    written = await toy.ids()
    assert written.index("waits-for:late") < written.index("behind")


async def test_what_waits_too_long_is_buried_and_the_partition_goes_on(toy: Toy, test_database: TestDatabase) -> None:
    await toy.database.dispose()
    toy = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, held_back_limit_seconds=1.0)
    await toy.publish(a_deposit("waits-for:never"), a_deposit("behind"))
    async with running(toy):
        await _has(toy, "behind")
        (dead,) = await toy.published("platform-payments-dlq", count=1)
        assert dict(dead.headers)["dlq_reason"] == b"what it needs did not come in time"  # type: ignore[attr-defined]


async def test_a_stale_consumer_changes_nothing_and_finds_its_place_again(
    toy: Toy, test_database: TestDatabase
) -> None:
    """Two groups play two members that both believe they own the partitions: the second one's transaction fails."""
    other = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix, group="the-other-group")
    async with running(toy), running(other):
        for batch in range(5):
            await toy.publish(*(a_deposit(f"d{batch}-{n}") for n in range(10)))
            await _has(toy, *(f"d{done}-{n}" for done in range(batch + 1) for n in range(10)))


async def test_lost_connections_are_retried_and_nothing_is_lost_or_done_twice(
    toy: Toy, test_database: TestDatabase
) -> None:
    admin = await asyncpg.connect(test_database.admin_url)
    try:
        async with running(toy):
            for batch in range(5):
                await toy.publish(*(a_deposit(f"d{batch}-{n}") for n in range(20)))
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await _has(toy, *(f"d{batch}-{n}" for batch in range(5) for n in range(20)))
            assert len(await toy.published("billing-entries", count=100)) >= 100
    finally:
        await admin.close()


async def test_an_offset_off_the_log_is_an_alarm_and_never_a_jump(toy: Toy, test_database: TestDatabase) -> None:
    await toy.publish(a_deposit("d1"))
    async with running(toy):
        await _has(toy, "d1")
    async with toy.database.transaction() as transaction:
        await transaction.run("UPDATE consumer_offsets SET next_offset = 1000000")
    again = a_toy(test_database.url("api"), toy.bootstrap, toy.prefix)
    async with running(again):
        await again.publish(a_deposit("d2"))
        with pytest.raises(AssertionError):
            await asyncio.wait_for(_never_ready(again), 3)
    assert await again.ids() == ["d1"]


async def _never_ready(toy: Toy) -> None:
    async def ready() -> bool:
        return toy.consumer.ready() or len(await toy.ids()) > 1

    await eventually(ready, within_seconds=2.0)


async def test_offsets_of_another_cluster_stop_the_consumer(toy: Toy) -> None:
    async with toy.database.transaction() as transaction:
        await transaction.run("INSERT INTO consumer_offsets VALUES ('another-cluster', 'platform-payments', 0, 5)")
    await toy.publish(a_deposit("d1"))
    async with running(toy):
        with pytest.raises(AssertionError):
            await _never_ready(toy)
    assert await toy.ids() == []
