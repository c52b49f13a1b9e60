"""Each service runs all of its parts. One that is left out would be missed by slow tests alone, or by none."""

import ast
import asyncio
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from services.api.edges.http.server import ApiServer
from services.caller.edges.draining import Draining
from shared.messaging.relay import Relay
from shared.process.service import Service

ROOT = Path(__file__).parents[2]
VITAL, NOT_VITAL = True, False
COMPONENTS = {
    "api": {
        "http": VITAL,
        "admission": VITAL,
        "relay": NOT_VITAL,
        "consumer": NOT_VITAL,
        "recordings": NOT_VITAL,
        "watch": NOT_VITAL,
        "cleaner": NOT_VITAL,
    },
    "billing": {"relay": VITAL, "consumer": VITAL, "cleaner": NOT_VITAL},
    "scheduler": {"relay": VITAL, "consumer": VITAL, "ticker": VITAL, "gauges": NOT_VITAL, "cleaner": NOT_VITAL},
    "caller": {
        "relay": VITAL,
        "consumer": VITAL,
        "stages": VITAL,
        "claims": VITAL,
        "leases": VITAL,
        "reaper": VITAL,
        "room": VITAL,
        "endpoints": NOT_VITAL,
        "recordings": NOT_VITAL,
        "renderings": NOT_VITAL,
        "cleaner": NOT_VITAL,
    },
}
DRAINED = {"api": ["http", "relay"], "billing": ["relay"], "scheduler": ["relay"], "caller": ["calls", "relay"]}
LOCKS_FIRST = {"billing", "scheduler"}  # the api and the caller say why not


async def _wired(service: str) -> Service:
    settings = getattr(import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings")
    wired: Service = await import_module(f"services.{service}.wiring").wire(settings())
    return wired


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What every service reads. Nobody is connected to."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/nothing")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("OPS_PORT", "1")


@pytest.mark.parametrize("service", COMPONENTS)
def test_a_service_runs_all_its_parts(service: str) -> None:
    wired = asyncio.run(_wired(service))
    assert wired.name == service
    assert {component.name: component.vital for component in wired.components} == COMPONENTS[service]


def _loops(service: str) -> Iterator[str]:
    """Find what has to run for ever, or now and then: by its name."""
    for file in (ROOT / "services" / service / "edges").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and (
                node.name in ("run", "clean_once") or node.name.endswith("_for_ever")
            ):
                yield node.name


@pytest.mark.parametrize("service", COMPONENTS)
def test_whatever_runs_for_ever_is_started_by_the_wiring(service: str) -> None:
    wiring = ast.parse((ROOT / "services" / service / "wiring.py").read_text())
    names = {node.attr for node in ast.walk(wiring) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(wiring) if isinstance(node, ast.Name)}
    assert set(_loops(service)) <= names


@pytest.mark.parametrize("service", COMPONENTS)
def test_the_end_is_orderly_what_it_committed_is_published_last(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drained: list[str] = []

    def noting(part: str):  # type: ignore[no-untyped-def]
        async def drain(self: object) -> None:
            drained.append(part)

        return drain

    monkeypatch.setattr(Relay, "flush", noting("relay"))
    monkeypatch.setattr(ApiServer, "drain", noting("http"))
    monkeypatch.setattr(Draining, "drain", noting("calls"))

    async def drain() -> None:
        await (await _wired(service)).drain()

    asyncio.run(drain())
    assert drained == DRAINED[service]


@pytest.mark.parametrize("service", COMPONENTS)
def test_a_poll_locks_first_what_it_is_about(service: str) -> None:
    wiring = import_module(f"services.{service}.wiring")
    listener = wiring.LISTENER if hasattr(wiring, "LISTENER") else wiring.listener(lambda: None)
    assert (listener.lock_first is not None) == (service in LOCKS_FIRST)
