"""What a service says of itself: ready or not, degraded or not, and why."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from shared.process.keep_running import Component
from shared.process.ops import ops_app
from shared.process.service import Service


async def _nothing() -> None:
    return None


def _service(*, consumer_ready: bool, vital: bool, complaints: Sequence[str] = ()) -> Service:
    consumer = Component("consumer", _nothing, lambda: consumer_ready, vital, lambda: complaints)
    return Service("readiness-test", [Component("http", _nothing), consumer], _nothing)


@pytest.mark.parametrize(("vital", "status"), [(True, 503), (False, 200)])
def test_a_part_that_fails_is_named_even_where_the_service_goes_on(vital: bool, status: int) -> None:
    service = _service(consumer_ready=False, vital=vital, complaints=["no broker answers"])
    answer = TestClient(ops_app(service.readiness)).get("/readyz")
    assert answer.status_code == status
    assert answer.json() == {
        "ready": not vital,
        "degraded": ["consumer"],
        "parts": {"http": True, "consumer": False},
        "complaints": {"consumer": ["no broker answers"]},
    }


def test_a_service_whose_parts_all_work_is_not_degraded() -> None:
    answer = TestClient(ops_app(_service(consumer_ready=True, vital=True).readiness)).get("/readyz")
    assert answer.json() == {"ready": True, "degraded": [], "parts": {"http": True, "consumer": True}, "complaints": {}}


def test_the_metrics_tell_each_part_of_the_moment_they_are_asked() -> None:
    for ready in (True, False):
        TestClient(ops_app(_service(consumer_ready=ready, vital=True).readiness)).get("/metrics")
        labels = {"service": "readiness-test", "component": "consumer"}
        assert REGISTRY.get_sample_value("rehearsal_component_ready", labels) == ready
