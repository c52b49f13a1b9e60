"""When the API cannot answer: 503 for what may work soon, 500 for what will not, and never a word of the cause."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.types import ASGIApp

from deploy.local.ports import free_port
from services.api.domain.asking import Answer, Asked
from services.api.edges.db.key_ring import KeyRing
from services.api.edges.db.reads import SqlReads
from services.api.edges.http.app import create_app
from shared.db.database import Database
from shared.db.group_commit import Overloaded
from shared.process.ops import Readiness
from tests.integration.api.builders import a_call
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration

NOT_READY = Readiness(ready=False, parts={"relay": False})


@asynccontextmanager
async def a_client(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api.test") as client:
        yield client


def failing_app(api: Api, error: Exception, readiness: Readiness = NOT_READY) -> ASGIApp:
    """The app with an admission that raises."""

    async def submit(_: Asked) -> Answer:
        raise error

    return create_app(
        submit=submit, reads=SqlReads(api.database), org_of=KeyRing(api.database).org_of, readiness=lambda: readiness
    )


async def test_too_much_waiting_is_told_with_when_to_come_again(api: Api) -> None:
    org = await api.org()
    async with a_client(failing_app(api, Overloaded("5000 requests are waiting already"))) as client:
        answer = await client.post(CALLS, json=a_call(org), headers=org.authorization)
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_fault_of_ours_tells_nothing_of_its_cause(api: Api) -> None:
    org = await api.org()
    async with a_client(failing_app(api, RuntimeError("secret prompt"))) as client:
        answer = await client.post(CALLS, json=a_call(org), headers=org.authorization)
        assert (await client.get(CALLS, headers=org.authorization)).status_code == 200, "the next one is served"
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text


async def test_without_its_database_the_api_lives_and_says_that_it_cannot_answer(api: Api) -> None:
    org = await api.org()
    nowhere = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", schema="api")

    async def submit(_: Asked) -> Answer:
        raise AssertionError("nothing gets so far")

    app = create_app(
        submit=submit, reads=SqlReads(nowhere), org_of=KeyRing(nowhere).org_of, readiness=lambda: NOT_READY
    )
    try:
        async with a_client(app) as client:
            for path in (CALLS, "/v1/billing", "/v1/calls/1"):
                assert_problem(await client.get(path, headers=org.authorization), 503, "unavailable")
            assert (await client.get("/v1/healthz")).json() == {"ok": True}
    finally:
        await nowhere.dispose()


async def test_readiness_is_what_its_parts_say(api: Api) -> None:
    assert (await api.client.get("/readyz")).json() == {"ready": True, "degraded": [], "parts": {}, "complaints": {}}
    async with a_client(failing_app(api, Overloaded(""))) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "degraded": ["relay"], "parts": {"relay": False}, "complaints": {}}
        assert (await client.get("/healthz")).json() == {"ok": True}
