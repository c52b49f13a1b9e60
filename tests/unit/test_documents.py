"""Documents say what is true: tables, settings, promises and links are held against the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from shared.events.register import REGISTER
from shared.messaging.messages import Hears
from shared.settings.service import ServiceSettings

ROOT = Path(__file__).parents[2]
SERVICES = ("api", "billing", "scheduler", "caller")
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "services").rglob("*.md"),
    *(ROOT / "deploy").rglob("*.md"),
]
PROMISES = 11


def events_after(word: str, text: str) -> set[str]:
    """Return the names in backquotes of the paragraph part that begins with `word`."""
    part = text.partition(f"**{word}**")[2].partition("**")[0]
    return set(re.findall(r"`(\w+)`", part.partition("\n\n")[0]))


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_has_its_tables(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text()
    table = import_module(f"services.{service}.edges.kafka")
    hears: tuple[Hears, ...] = table.HEARS
    assert events_after("Hears", text) == {row.event.__name__ for row in hears}
    assert events_after("Says", text) == {event.__name__ for event in table.SAYS}
    assert len(text.splitlines()) <= 60, "one screen"


def test_the_readmes_picture_names_every_event_of_ours() -> None:
    picture = (ROOT / "README.md").read_text().split("```")[1]
    for one in REGISTER:
        if one.producer != "platform":
            assert one.event.__name__ in picture, one.event.__name__
    for service in SERVICES:
        assert service in picture


@pytest.mark.parametrize("service", SERVICES)
def test_every_use_case_is_in_the_flow(service: str) -> None:
    folder = ROOT / "services" / service
    users = "".join(file.read_text() for file in [*(folder / "edges").rglob("*.py"), folder / "wiring.py"])
    helpers = {"saying", "telling"}  # what use cases share to say their events
    for file in (folder / "usecases").glob("[a-z]*.py"):
        assert f"services.{service}.usecases.{file.stem}" in users or file.stem in helpers, file.stem


def settings_of(service: str) -> set[str]:
    module = import_module(f"services.{service}.settings")
    own: type[ServiceSettings] = getattr(module, f"{service.capitalize()}Settings")
    return {name.upper() for name in own.model_fields}


def test_the_readme_lists_every_setting_and_none_that_is_not() -> None:
    rows = re.findall(r"^\| (all|api|caller|billing|scheduler) \| ([^|]+) \|([^|]*)\|([^|]*)\|$", README, re.MULTILINE)
    told: dict[str, set[str]] = {}
    for service, names, _, what in rows:
        told.setdefault(service, set()).update(re.findall(r"`([A-Z_]+)`", names + what))
    told["all"] -= {"OTEL_EXPORTER_OTLP_"}
    shared = {name.upper() for name in ServiceSettings.model_fields}
    assert told["all"] == shared
    for service in SERVICES:
        assert told.get(service, set()) == settings_of(service) - shared, service


README = (ROOT / "README.md").read_text()


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, PROMISES + 1))
    for number, _, guards in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", guards)
        assert named, f"promise {number} is guarded by nothing"
        for file, function in named:
            assert (ROOT / file).is_file(), file
            assert not function or f"def {function}(" in (ROOT / file).read_text(), f"{file}::{function}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_named_files_exist(document: Path) -> None:
    text = document.read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert (document.parent / link).exists(), link
    for name in re.findall(r"`((?:tests|services|shared|deploy|docs)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f"]({page.name})" in listed
        for part in ("**Context.**", "**Decision.**", "**Enforced by**", "**Revisit when**"):
            assert part in page.read_text(), page.name


def test_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text()):
            assert target in targets, f"{document.name}: make {target}"
