"""Fixtures of the integration and end-to-end tests. Unit tests use none of them and start nothing."""

import secrets
from collections.abc import AsyncIterator

import pytest

from shared.messaging.cluster import create_topics
from tests.infra.resolve import Infra
from tests.support.databases import Template, TestDatabase, a_template

pytest_plugins = ["tests.infra.plugin"]


@pytest.fixture(scope="session")
async def template(infra: Infra) -> AsyncIterator[Template]:
    """The migrated template database of this session."""
    async with a_template(infra.admin_database_url) as template:
        yield template


@pytest.fixture
async def test_database(template: Template) -> AsyncIterator[TestDatabase]:
    """A database of this test's own, with all four schemas."""
    async with template.copy() as copy:
        yield copy


@pytest.fixture
async def topic_prefix(infra: Infra) -> str:
    """Topics of this test's own."""
    prefix = f"t{secrets.token_hex(4)}."
    await create_topics(infra.kafka_bootstrap, prefix=prefix, partitions=2)
    return prefix
