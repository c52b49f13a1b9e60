"""Spans hang together by traceparent, and the decision of who began the trace counts for all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.telemetry import tracing

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Path]:
    """Tracing into a file; off again at the end."""
    file = tmp_path / "traces.jsonl"
    tracing.configure(service="test", exporter="file", file=str(file))
    yield file
    tracing.configure(service="test", exporter="none")


def recorded(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def a_span(traceparent: str | None) -> tracing.RunningSpan:
    span = tracing.start("work", tracing.SpanKind.INTERNAL, traceparent)
    assert span is not None
    return span


def test_a_span_continues_the_trace_it_is_given(traces: Path) -> None:
    a_span(f"00-{TRACE_ID}-b7ad6b7169203331-01").end()
    (span,) = recorded(traces)
    assert span["context"]["trace_id"] == f"0x{TRACE_ID}"
    assert span["parent_id"] == "0xb7ad6b7169203331"


@pytest.mark.parametrize("traceparent", [None, "", "garbage", f"00-{TRACE_ID}-0000000000000000-01"])
def test_without_a_trustworthy_parent_a_trace_begins(traces: Path, traceparent: str | None) -> None:
    a_span(traceparent).end()
    (span,) = recorded(traces)
    assert span["parent_id"] is None
    assert span["context"]["trace_id"] != f"0x{TRACE_ID}"


def test_a_trace_that_is_not_sampled_is_carried_on_and_not_recorded(traces: Path) -> None:
    span = a_span(f"00-{TRACE_ID}-b7ad6b7169203331-00")
    span.end()
    assert recorded(traces) == []
    assert span.traceparent.startswith(f"00-{TRACE_ID}-")
    assert span.traceparent.endswith("-00")


def test_an_error_is_told_by_its_type_and_never_by_its_text(traces: Path) -> None:
    a_span(None).end(ValueError("my card number is 4111"))
    (span,) = recorded(traces)
    assert span["status"] == {"status_code": "ERROR", "description": "ValueError"}
    assert "4111" not in traces.read_text()


def test_switched_off_nothing_is_begun() -> None:
    assert tracing.start("work", tracing.SpanKind.INTERNAL, None) is None
    assert not tracing.enabled()
