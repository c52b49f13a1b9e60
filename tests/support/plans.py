"""What statements really read: recorded while use cases run, explained with the plan that production has.

A service connects with `force_generic_plan`. Explaining with bound parameters shows the plan for just these values;
`PREPARE` and `EXPLAIN EXECUTE` on a connection of the service's own pool shows the one that it runs.
"""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db.database import Database
from shared.db.statement import compiled
from shared.db.transaction import Transaction
from tests.support.databases import TestDatabase

PRODUCT = ("services.", "shared.")
STRIDE = 10_000_000  # between the ids of one copy and the next
ORGS = 1_000
READ_AT_MOST = 20_000  # rows that scans return or filter out, and pages that are touched, in one statement
NOT_COPIED = ("outbox", "consumer_offsets", "schema_version")
# What half of the copies share, so that one organisation and one agent have very many rows.
SHARED_BY_HALF = ("agent_id", "target_id", "inbound_agent_id", "outbound_agent_id", "phone_number_id")
UNIQUE_TEXTS = ("cause", "key", "key_sha256", "deposit_id")


@dataclass
class Recorded:
    """Statements of the product, each with the pool that it ran on and its largest arguments."""

    statements: dict[tuple[str, int], tuple[Database, list[Any]]] = field(default_factory=dict)
    pools: dict[int, Database] = field(default_factory=dict)

    def note(self, connection: asyncpg.Connection, sql: str, arguments: list[Any]) -> None:
        """Keep a statement."""
        pool = self.pools[id(connection)]
        before = self.statements.get((sql, id(pool)))
        if before is None or _size(arguments) > _size(before[1]):
            self.statements[sql, id(pool)] = (pool, arguments)


@contextmanager
def recording(patch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """Record what services and `shared` execute in this block; tests' own questions are left out."""
    recorded = Recorded()
    connected = Database._connected

    @asynccontextmanager
    async def watched(pool: Database) -> AsyncIterator[asyncpg.Connection]:
        async with connected(pool) as driver:
            recorded.pools[id(driver)] = pool
            yield driver

    def noting(original: Any) -> Any:
        def note(self: Transaction, statement: str, **parameters: Any) -> Any:
            if sys._getframe(1).f_globals["__name__"].startswith(PRODUCT):
                one = compiled(statement)
                recorded.note(self._connection, one.sql, one.arguments(parameters))
            return original(self, statement, **parameters)

        return note

    with patch.context() as patched:
        patched.setattr(Database, "_connected", watched)
        for name in ("rows", "row", "value", "run"):
            patched.setattr(Transaction, name, noting(getattr(Transaction, name)))
        yield recorded


async def copy_rows(admin_url: str, schema: str, rows: int, *, known: bool = True) -> None:
    """Copy every row of a schema until each table has about so many; `known` to the planner, too.

    Ids are moved by copies; half of the copies stay in their organisation, the others spread over a thousand.
    """
    connection = await _connect(admin_url, schema)
    try:
        for table, columns in await _tables(connection, schema):
            there = await connection.fetchval(f"SELECT count(*) FROM {table}")
            if there:
                copied = ", ".join(_copied(name, type_) for name, type_ in columns)
                await connection.execute(
                    f"INSERT INTO {table} ({', '.join(name for name, _ in columns)}) SELECT {copied}"
                    f" FROM {table} CROSS JOIN generate_series(1, {max(rows // there, 1)}) AS copy (n)"
                    " ON CONFLICT DO NOTHING"
                )
        if known:
            await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


@asynccontextmanager
async def emptied(admin_url: str, schema: str) -> AsyncIterator[None]:
    """Let a schema's tables be as new in this block, and put the rows back after it."""
    connection = await _connect(admin_url, schema)
    try:
        tables = [table for table, _ in await _tables(connection, schema)]
        for table in tables:
            await connection.execute(f"CREATE TEMPORARY TABLE kept_{table} AS TABLE {table}")
        await connection.execute(f"TRUNCATE {', '.join(tables)}")
        yield
        for table, columns in await _tables(connection, schema):
            names = ", ".join(name for name, _ in columns)
            await connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM kept_{table}")
    finally:
        await connection.close()


async def _connect(admin_url: str, schema: str) -> asyncpg.Connection:
    """Connect as somebody whom no trigger minds: what is copied was allowed."""
    settings = {"search_path": schema, "session_replication_role": "replica"}
    return await asyncpg.connect(admin_url, server_settings=settings)


async def _tables(connection: asyncpg.Connection, schema: str) -> list[tuple[str, list[tuple[str, str]]]]:
    found = await connection.fetch(
        """
        SELECT table_name, array_agg(column_name || ' ' || data_type) AS columns
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = $1 AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' AND is_identity = 'NO'
        GROUP BY table_name
        """,
        schema,
    )
    return [
        (row["table_name"], [tuple(column.split(" ", 1)) for column in row["columns"]])
        for row in found
        if row["table_name"] not in NOT_COPIED
    ]


def _copied(name: str, type_: str) -> str:
    if name == "org_id":
        return f"org_id + CASE WHEN n % 2 = 0 THEN 0 ELSE CAST(n % {ORGS} AS bigint) * {STRIDE} END"
    if name in SHARED_BY_HALF:
        return f"{name} + CASE WHEN n % 2 = 0 THEN 0 ELSE CAST(n AS bigint) * {STRIDE} END"
    if type_ == "bigint" and (name == "id" or name.endswith("_id")):
        return f"{name} + CAST(n AS bigint) * {STRIDE}"
    return f"{name} || '-' || n" if name in UNIQUE_TEXTS and type_ == "text" else name


@dataclass(frozen=True)
class Read:
    """What a statement read."""

    sql: str
    rows: int
    pages: int
    plan: str

    def is_too_much(self) -> bool:
        return self.rows > READ_AT_MOST or self.pages > READ_AT_MOST


@dataclass
class Explained:
    """Recorded statements, prepared under the settings of their pools: `plan` makes their plans, for good."""

    recorded: Recorded
    connections: dict[int, asyncpg.Connection]

    async def plan(self) -> None:
        """Plan every statement as the tables are now."""
        for nth, ((sql, pool), (_, arguments)) in enumerate(self.recorded.statements.items()):
            await self.connections[pool].execute(f"PREPARE explained_{nth} AS {sql}")
            await _undone(self.connections[pool], f"EXPLAIN (FORMAT JSON) {_execute(nth, arguments)}")

    async def forget(self) -> None:
        """Let plans be made anew."""
        for nth, (_, pool) in enumerate(self.recorded.statements):
            with suppress(asyncpg.InvalidSQLStatementNameError):  # what failed to be planned is not there
                await self.connections[pool].execute(f"DEALLOCATE explained_{nth}")

    async def reads(self) -> list[Read]:
        """Execute every statement, and undo what it did."""
        return [
            await _explain(self.connections[pool], sql, _execute(nth, arguments))
            for nth, ((sql, pool), (_, arguments)) in enumerate(self.recorded.statements.items())
        ]


@asynccontextmanager
async def explaining(recorded: Recorded) -> AsyncIterator[Explained]:
    """Take a connection of each pool: plans belong to it."""
    async with AsyncExitStack() as stack:
        pools = {key: pool for (_, key), (pool, _) in recorded.statements.items()}
        yield Explained(
            recorded, {key: await stack.enter_async_context(pool._connected()) for key, pool in pools.items()}
        )


async def explain_all(recorded: Recorded) -> list[Read]:
    """Plan every recorded statement under its pool's settings, execute it, and undo what it did."""
    async with explaining(recorded) as explained:
        try:
            await explained.plan()
            return await explained.reads()
        finally:
            await explained.forget()


def _execute(nth: int, arguments: list[Any]) -> str:
    return f"EXECUTE explained_{nth}" + (f"({', '.join(_literal(one) for one in arguments)})" if arguments else "")


async def _explain(connection: asyncpg.Connection, sql: str, execute: str) -> Read:
    try:
        plan = await _undone(connection, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {execute}")
    except asyncpg.IntegrityConstraintViolationError:  # what it inserts is there already
        plan = await _undone(connection, f"EXPLAIN (FORMAT JSON) {execute}")
    pages = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    return Read(sql, _rows(plan), pages, _outline(plan))


async def _undone(connection: asyncpg.Connection, explain: str) -> dict[str, Any]:
    """Explain in a transaction that is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        told = await connection.fetchval(explain)
    finally:
        await transaction.rollback()
    plan: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return plan


def _rows(node: dict[str, Any]) -> int:
    """Rows that scans of tables returned or filtered out."""
    own = 0.0
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        filtered = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        own = (node.get("Actual Rows", node["Plan Rows"]) + filtered) * node.get("Actual Loops", 1)
    return int(own) + sum(_rows(child) for child in node.get("Plans", []))


def _outline(node: dict[str, Any], depth: int = 0) -> str:
    names = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Filter", "Actual Rows", "Actual Loops")
    line = "  " * depth + ", ".join(str(node[name]) for name in names if name in node)
    return "\n".join([line, *(_outline(child, depth + 1) for child in node.get("Plans", []))])


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return f"'{value}'"
        case bytes():
            return f"'\\x{value.hex()}'"
        case datetime() | UUID() | str():
            return "'" + str(value).replace("'", "''") + "'"
        case list() | tuple():
            return "'{" + ",".join(_element(one) for one in value).replace("'", "''") + "}'"
    raise TypeError(f"no literal for {type(value).__name__}")


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _size(arguments: Sequence[Any]) -> int:
    return sum(len(one) for one in arguments if isinstance(one, (list, tuple)))


async def assert_nothing_reads_too_much(
    live: Callable[[], Awaitable[None]],
    test_database: TestDatabase,
    schema: str,
    *,
    rows: int = 100_000,
    statements_at_least: int = 8,
    lost: str | None = None,
) -> None:
    """Record what `live` executes, fill the schema with copies, explain; `lost` takes an index away, which is seen."""
    with recording(pytest.MonkeyPatch()) as recorded:
        await live()
    assert len(recorded.statements) >= statements_at_least
    await copy_rows(test_database.admin_url, schema, rows)
    wrong = [read for read in await explain_all(recorded) if read.is_too_much()]
    assert not wrong, "\n\n".join(f"{one.rows} rows, {one.pages} pages:\n{one.sql}\n{one.plan}" for one in wrong)
    if lost is not None:
        connection = await asyncpg.connect(test_database.admin_url)
        await connection.execute(lost)
        await connection.close()
        assert any(read.is_too_much() for read in await explain_all(recorded)), "a lost index is seen"


async def assert_nothing_reads_too_much_as_planned_while_empty(
    live: Callable[[], Awaitable[None]], test_database: TestDatabase, schema: str, *, rows: int = 100_000
) -> None:
    """The same with the plans of a service that began with empty tables, which nobody has analysed since."""
    with recording(pytest.MonkeyPatch()) as recorded:
        await live()
    async with explaining(recorded) as explained:
        async with emptied(test_database.admin_url, schema):
            await explained.plan()
        await copy_rows(test_database.admin_url, schema, rows, known=False)
        wrong = [read for read in await explained.reads() if read.is_too_much()]
    assert not wrong, "\n\n".join(f"{one.rows} rows, {one.pages} pages:\n{one.sql}\n{one.plan}" for one in wrong)
