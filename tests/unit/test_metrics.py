"""Metrics are what dashboards and alerts are written against: each is made once, beside whoever has it."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from tests.support.exposed import BOOKS, EVERY_SERVICE, OWN, every_metric

ROOT = Path(__file__).parents[2]
MODULES = {
    "shared.telemetry.metrics": EVERY_SERVICE,
    **{f"services.{service}.metrics": own for service, own in OWN.items()},
    "deploy.books.metrics": BOOKS,
}
DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "services").rglob("*.md")]


def _made_by(module: str) -> Iterator[MetricWrapperBase]:
    return (one for one in vars(import_module(module)).values() if isinstance(one, MetricWrapperBase))


def _exposed(metric: MetricWrapperBase) -> str:
    (described,) = metric.describe()
    return f"{described.name}_total" if described.type == "counter" else described.name


def test_each_metric_stands_with_its_labels_in_the_module_of_whoever_has_it() -> None:
    for module, expected in MODULES.items():
        assert {_exposed(one): one._labelnames for one in _made_by(module)} == expected, module


def test_no_metric_is_made_anywhere_else() -> None:
    homes = {ROOT / f"{module.replace('.', '/')}.py" for module in MODULES}
    for folder in ("services", "shared", "deploy"):
        for file in (ROOT / folder).rglob("*.py"):
            assert file in homes or not re.search(
                r"prometheus_client import .*(Counter|Gauge|Histogram)", file.read_text()
            )


def test_names_say_what_they_count_and_helps_are_sentences() -> None:
    for module in MODULES:
        for metric in _made_by(module):
            (described,) = metric.describe()
            assert re.fullmatch(r"rehearsal_[a-z_]+[a-z]", described.name)
            assert described.documentation.endswith(".")
            assert described.type != "histogram" or described.name.endswith(("_seconds", "_records")), "units last"


def test_labels_never_carry_what_a_customer_said_or_who_it_is() -> None:
    allowed = {
        "service", "topic", "partition", "component", "method", "route", "status", "code", "kind", "reason",
        "end_reason", "outcome",
    }  # fmt: skip
    assert {label for labels in every_metric().values() for label in labels} <= allowed


def test_documents_name_metrics_and_labels_that_are_exposed() -> None:
    """An alert on a name that nothing shows never fires."""
    exposed = every_metric()
    for document in DOCUMENTS:
        for name, labels in re.findall(r"\b(rehearsal_[a-z_]+[a-z])(?:\{(\w+)=)?", document.read_text()):
            assert name in exposed, f"{document.name}: {name}"
            assert not labels or labels in exposed[name], f"{document.name}: {name}"


def test_the_readme_lists_every_alarm() -> None:
    readme = (ROOT / "README.md").read_text()
    for module in MODULES:
        for metric in _made_by(module):
            (described,) = metric.describe()
            assert not described.documentation.startswith("ALARM") or _exposed(metric) in readme, described.name
