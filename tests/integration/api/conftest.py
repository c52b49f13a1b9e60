"""The API as its customers meet it: the real app in this process, on a real database, and an ear that hears for it."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.api.assembly import an_api
from tests.integration.api.harness import Api
from tests.support.databases import Template


@pytest.fixture(scope="package")
async def api(template: Template) -> AsyncIterator[Api]:
    """One API for all tests of this folder: each has organisations of its own, so that none disturbs another."""
    async with template.copy() as copy, an_api(copy.url("api")) as api:
        yield api


@pytest.fixture(scope="package")
async def sip_api(template: Template) -> AsyncIterator[Api]:
    """One API of a deployment whose callers make calls over SIP."""
    async with template.copy() as copy, an_api(copy.url("api"), offers_sip=True) as api:
        yield api


@pytest.fixture
async def dead_letters_are_cleared(api: Api) -> AsyncIterator[None]:
    """Other tests say that there were none."""
    yield
    api.ear.dead.clear()
