"""A schema may change under a running service, and a statement may take too long: no record is buried for it."""

import asyncio
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from shared.db import liveness
from shared.db import migrate as migrating
from shared.telemetry import metrics
from tests.infra.resolve import Infra
from tests.support.databases import TestDatabase
from tests.support.toy_service import Toy, a_deposit, a_toy, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SLOW_FROM_CENTS = 500
SLOW = f"""
CREATE TABLE toy_is_slow ();
CREATE FUNCTION sleep_a_little() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(CASE WHEN new.amount_cents < {SLOW_FROM_CENTS} THEN 0.05
                          WHEN to_regclass('toy_is_slow') IS NULL THEN 0 ELSE 10 END);
    RETURN new;
END $$;
CREATE TRIGGER slow BEFORE INSERT ON toy_deposits FOR EACH ROW EXECUTE FUNCTION sleep_a_little();
"""


async def _has(toy: Toy, count: int) -> None:
    async def all_there() -> bool:
        return len(await toy.ids()) == count

    await eventually(all_there, within_seconds=40, what=f"{count} deposits")


async def _execute(toy: Toy, statements: str) -> None:
    async with toy.database.transaction() as transaction:
        for statement in statements.split(";\n") if "$$" not in statements else [statements]:
            await transaction.run(statement)


@pytest.fixture
async def impatient(
    toy: Toy, test_database: TestDatabase, infra: Infra, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Toy:
    """A toy whose statements may take a second, on a table that is slow."""
    connection = await asyncpg.connect(test_database.url("api"), server_settings={"search_path": "api"})
    await connection.execute(SLOW)
    await connection.close()
    monkeypatch.setattr(liveness, "STATEMENT_SECONDS", 1)
    return a_toy(test_database.url("api"), infra.kafka_bootstrap, topic_prefix)


async def test_a_table_that_changes_under_a_running_consumer_buries_nothing(toy: Toy) -> None:
    async with running(toy):
        await toy.publish(a_deposit("before"))
        await _has(toy, 1)
        for nth, type_ in enumerate(("varchar(300)", "text", "varchar(200)")):
            await _execute(toy, f"ALTER TABLE toy_deposits ALTER COLUMN deposit_id TYPE {type_}")
            await toy.publish(*(a_deposit(f"d{nth}-{n}") for n in range(5)))
            await _has(toy, 1 + 5 * (nth + 1))
        assert await toy.value("SELECT count(*) FROM toy_letters") == 0


async def test_a_poll_that_takes_too_long_is_halved_until_it_does_not(impatient: Toy) -> None:
    await impatient.publish(*(a_deposit(f"d{n}") for n in range(64)))
    async with running(impatient):
        await _has(impatient, 64)
        assert await impatient.ids() == [f"d{n}" for n in range(64)]
        assert await impatient.value("SELECT count(*) FROM toy_letters") == 0


async def test_a_single_record_that_takes_too_long_is_tried_again_and_not_buried(impatient: Toy) -> None:
    tries = metrics.RETRIES.labels("toy")._value
    before: float = tries.get()
    await impatient.publish(a_deposit("d0"), a_deposit("slow", amount_cents=SLOW_FROM_CENTS), a_deposit("d1"))
    async with running(impatient):

        async def tried() -> bool:
            return bool(tries.get() >= before + 4)

        await eventually(tried, what="it was tried again and again")
        assert await impatient.ids() == ["d0"]
        await _execute(impatient, "DROP TABLE toy_is_slow")
        await _has(impatient, 3)
        assert await impatient.value("SELECT count(*) FROM toy_letters") == 0


A_MIGRATION = """
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    op.execute("{statement}")
"""


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service's folder with two migrations, of which the second is to be released yet."""
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_MS", 100)
    (tmp_path / "migrations").mkdir()
    first = A_MIGRATION.format(revision="0001", down=None, statement="CREATE TABLE wanted ()")
    (tmp_path / "migrations" / "0001_first.py").write_text(first)
    return tmp_path


async def test_a_migration_waits_for_a_lock_in_small_pieces_and_goes_on(
    test_database: TestDatabase, migrations: Path
) -> None:
    url = test_database.admin_url
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SCHEMA toy")
    await migrating.migrate(url, schema="toy", service_package=migrations)
    second = A_MIGRATION.format(revision="0002", down='"0001"', statement="ALTER TABLE wanted ADD COLUMN x integer")
    (migrations / "migrations" / "0002_second.py").write_text(second)
    block = connection.transaction()
    await block.start()
    await connection.execute("SELECT FROM toy.wanted")
    task = asyncio.create_task(migrating.migrate(url, schema="toy", service_package=migrations, pause_seconds=0.05))
    tries = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'toy migration' AND wait_event_type = 'Lock'"
    )
    seen: list[bool] = []

    async def several_tries() -> bool:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        seen.append(bool(await connection.fetchval(tries)))
        changes = sum(one != other for one, other in pairwise(seen))
        return changes >= 4

    await eventually(several_tries, what="it gave way and tried again")
    assert not task.done()
    await block.commit()
    await task
    assert await connection.fetchval("SELECT count(x) FROM toy.wanted") == 0
    await connection.close()
