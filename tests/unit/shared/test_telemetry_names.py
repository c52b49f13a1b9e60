"""The register of telemetry names is the only place where a name is written."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from shared.telemetry import metrics, names

ROOT = Path(__file__).parents[3]
CODE = [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]


def test_every_metric_of_the_register_exists_and_no_other() -> None:
    assert metrics.CONSUMED is not None
    ours = {family.name for family in REGISTRY.collect() if family.name.startswith("rehearsal_")}
    assert ours == {metric.name for metric in names.METRICS}


def test_names_are_unique_and_lower_case() -> None:
    for register in ([metric.name for metric in names.METRICS], names.SPANS, names.ATTRIBUTES):
        assert len(register) == len(set(register))
    for metric in names.METRICS:
        assert re.fullmatch(r"rehearsal_[a-z_]+[a-z]", metric.name)
        assert metric.help.endswith(".")
        assert metric.kind != "histogram" or metric.name.endswith(("_seconds", "_records")), "units last"


def test_no_name_is_written_anywhere_else() -> None:
    written = [metric.name for metric in names.METRICS] + [name for name in names.ATTRIBUTES if "rehearsal." in name]
    for file in CODE:
        if file.name != "names.py":
            text = file.read_text()
            assert not [name for name in written if f'"{name}"' in text], file


def test_labels_never_carry_what_a_customer_said_or_who_it_is() -> None:
    allowed = {
        "service", "topic", "partition", "component", "method", "route", "status", "code", "kind", "reason",
        "end_reason", "outcome",
    }  # fmt: skip
    assert {label for metric in names.METRICS for label in metric.labels} <= allowed
