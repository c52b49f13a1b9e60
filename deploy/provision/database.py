"""Creates the database, one role and one schema for each service, and runs the migrations. Idempotent."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from shared.db.liveness import LiveConnection, server_settings
from shared.db.migrate import migrate

SERVICES = ("api", "scheduler", "caller", "billing")
ROOT = Path(__file__).parents[2]
PROVISIONING_LOCK = 7_203_550
CONNECT_SECONDS = 30
IDLE_SECONDS = 30


def database_url(admin_url: str, database: str, *, user: str | None = None, password: str = "") -> str:
    """Return `admin_url` with another database, and as another user if one is given."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if user is None else f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))


def role_of(service: str, suffix: str = "") -> str:
    """Return the name of the role that owns a service's schema."""
    return f"rehearsal_{service}{suffix}"


def service_url(admin_url: str, database: str, service: str, password: str, *, suffix: str = "") -> str:
    """Return the URL that a service connects with."""
    return database_url(admin_url, database, user=role_of(service, suffix), password=password)


async def provision_database(
    admin_url: str, database: str, passwords: Mapping[str, str], *, role_suffix: str = ""
) -> None:
    """Create what is missing and set the roles' passwords. `admin_url` may name any existing database of the server."""
    admin = await _connect(database_url(admin_url, "postgres"))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", PROVISIONING_LOCK)
        for service in SERVICES:
            await _create_role(admin, role_of(service, role_suffix), passwords[service])
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await admin.execute(f"CREATE DATABASE {_quoted(database)}")
        await admin.execute(f"REVOKE ALL ON DATABASE {_quoted(database)} FROM PUBLIC")
        roles = ", ".join(_quoted(role_of(service, role_suffix)) for service in SERVICES)
        await admin.execute(f"GRANT CONNECT ON DATABASE {_quoted(database)} TO {roles}")
    finally:
        await admin.close()
    inside = await _connect(database_url(admin_url, database))
    try:
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for service in SERVICES:
            role = _quoted(role_of(service, role_suffix))
            # A superuser that is not one everywhere (a managed server) must be a member to give ownership away.
            await inside.execute(f"GRANT {role} TO CURRENT_USER")
            await inside.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(service)} AUTHORIZATION {role}")
    finally:
        await inside.close()
    for service in SERVICES:
        url = service_url(admin_url, database, service, passwords[service], suffix=role_suffix)
        await migrate(url, schema=service, service_package=ROOT / "services" / service)


async def _connect(url: str) -> asyncpg.Connection:
    """Connect. One that is frozen holds the lock for `IDLE_SECONDS`; who waits for it may wait as long as it takes."""
    settings = server_settings("public", "provisioning")
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        connection_class=LiveConnection,
        server_settings=settings | {"statement_timeout": "0", "idle_session_timeout": f"{IDLE_SECONDS}s"},
    )


async def _create_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await admin.execute(f"CREATE ROLE {_quoted(role)} LOGIN")
    literal = await admin.fetchval("SELECT quote_literal($1::text)", password)
    await admin.execute(f"ALTER ROLE {_quoted(role)} LOGIN PASSWORD {literal}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
