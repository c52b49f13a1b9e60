"""The guard makes one span of a request, of names that the register has; FastAPI would make others, and hold bodies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.api.domain.admission import TargetNotFound
from services.api.domain.asking import Answer, Asked
from services.api.edges.http.app import create_app
from services.api.ports import Reading
from shared.process.ops import Readiness
from tests.unit.api.test_reading_bodies import BODY


class NothingToRead:
    """Reads that nobody asks for."""

    @asynccontextmanager
    async def of(self, org_id: int) -> AsyncIterator[Reading]:
        raise AssertionError("nobody reads")
        yield


async def _refuse(_: Asked) -> Answer:
    return TargetNotFound("agent")


async def _org_of(_: str) -> int | None:
    return 1


async def test_fastapi_makes_no_spans_whoever_configures_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    app = create_app(
        submit=_refuse,
        reads=NothingToRead(),
        org_of=_org_of,
        readiness=lambda: Readiness(ready=True, parts={}),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api.test") as client:
        answer = await client.post("/v1/test-calls", json=BODY, headers={"Authorization": "Bearer sk_x"})
    assert answer.status_code == 404
    assert spans.get_finished_spans() == ()
