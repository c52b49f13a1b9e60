"""The flow stands in three places that have to be equal: the register, the services' tables, the files."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from shared.events import docs
from shared.events.event import Event
from shared.events.register import REGISTER
from shared.messaging.messages import Hears

ROOT = Path(__file__).parents[2]
SERVICES = ("api", "billing", "scheduler", "caller")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_hears_what_the_register_says(service: str) -> None:
    hears: tuple[Hears, ...] = import_module(f"services.{service}.edges.kafka").HEARS
    assert {row.event for row in hears} == {one.event for one in REGISTER if service in one.consumers}
    assert len(hears) == len({row.event for row in hears})


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_the_register_says(service: str) -> None:
    says: tuple[type[Event], ...] = import_module(f"services.{service}.edges.kafka").SAYS
    assert set(says) == {one.event for one in REGISTER if one.producer == service}


@pytest.mark.parametrize("service", SERVICES)
def test_only_events_of_the_services_table_are_made_by_its_use_cases(service: str) -> None:
    says = {event.__name__ for event in import_module(f"services.{service}.edges.kafka").SAYS}
    every = {one.event.__name__ for one in REGISTER}
    made = set()
    for file in (ROOT / "services" / service / "usecases").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in every:
                made.add(node.func.id)
    # Of ends, revocations and deletions that it could not read the API makes its own; it does not say them.
    assert made - {"TestCallFailed", "ApiKeyRevoked", "AgentDeleted", "PhoneNumberDeleted"} <= says
    assert says <= made | {"TestCallFailed"}


def test_the_register_has_one_producer_and_a_consumer_for_every_event() -> None:
    assert len({one.event for one in REGISTER}) == len(REGISTER)
    for one in REGISTER:
        assert one.consumers, f"nobody hears {one.type}"
        assert one.producer not in one.consumers
        for name in (one.key, one.subject):
            assert name in one.event.model_fields


def test_the_asyncapi_file_is_what_the_register_says() -> None:
    assert docs.FILE.read_text() == docs.written(), "make docs"


def test_there_is_one_place_that_commits() -> None:
    """Promise 1 and 3: a use case cannot publish or commit on its own."""
    commits = re.compile(r"\.commit\(\)|driver\.transaction\(|engine\.begin\(|\bCOMMIT\b")
    places = []
    for file in [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        if commits.search(file.read_text()):
            places.append(str(file.relative_to(ROOT)))
    assert sorted(places) == ["shared/db/database.py", "shared/db/migrate.py"]


def test_the_project_refers_to_nothing_outside_of_itself() -> None:
    words = ("../" + "shared", "/work/" + "shared")
    for suffix in ("*.py", "*.md", "*.yaml", "*.sh", "Makefile", "*.toml"):
        for file in ROOT.rglob(suffix):
            if not {".venv", ".local", ".git"} & set(file.relative_to(ROOT).parts):
                assert not any(word in file.read_text(errors="replace") for word in words), file
