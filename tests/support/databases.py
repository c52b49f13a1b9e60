"""Databases for tests: one template with all four schemas, one copy of it for each test."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.provision.database import SERVICES, database_url, provision_database, role_of, service_url

PASSWORD = secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One test's copy: `url("billing")` is what billing connects with, `admin_url` sees all schemas."""

    server_url: str
    name: str
    role_suffix: str

    @property
    def admin_url(self) -> str:
        return database_url(self.server_url, self.name)

    def url(self, service: str) -> str:
        return service_url(self.server_url, self.name, service, PASSWORD, suffix=self.role_suffix)


@dataclass(frozen=True, slots=True)
class Template:
    """The template of one test session. Roles belong to the whole server, so they carry the session's own suffix."""

    server_url: str
    name: str
    role_suffix: str

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[TestDatabase]:
        """Make a copy and drop it at the end, whoever is still connected."""
        name = f"{self.name}_{secrets.token_hex(4)}"
        await _execute(self.server_url, f"CREATE DATABASE {name} TEMPLATE {self.name}")
        try:
            yield TestDatabase(self.server_url, name, self.role_suffix)
        finally:
            await _execute(self.server_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def a_template(server_url: str) -> AsyncIterator[Template]:
    """Provision a template and drop it, with its roles, at the end."""
    tag = secrets.token_hex(4)
    template = Template(server_url, f"rehearsal_test_{tag}", f"_{tag}")
    await provision_database(
        server_url, template.name, dict.fromkeys(SERVICES, PASSWORD), role_suffix=template.role_suffix
    )
    try:
        yield template
    finally:
        await _execute(server_url, f"DROP DATABASE {template.name} WITH (FORCE)")
        for service in SERVICES:
            await _execute(server_url, f"DROP ROLE {role_of(service, template.role_suffix)}")


async def _execute(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url(server_url, "postgres"), timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
