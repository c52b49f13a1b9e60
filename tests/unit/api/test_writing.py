"""Stored JSON goes into an answer as the text that it is."""

from datetime import UTC, datetime
from json import loads
from typing import Any

from services.api.domain.views import RUN_COLUMNS
from services.api.edges.http.reading.writing import run_bytes, with_json

TRANSCRIPT = '[{"role": "user", "content": "ü\\u0000 \\"", "start_ms": 1e3}]'


def a_row() -> dict[str, Any]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row: dict[str, Any] = dict.fromkeys(RUN_COLUMNS)
    return {**row, "created_at": at, "updated_at": at, "metadata": '{"b": 1.10,"a":2}', "transcript": TRANSCRIPT}


def test_a_runs_transcript_and_metadata_are_not_written_anew() -> None:
    written = run_bytes(a_row()).decode()
    assert f'"transcript":{TRANSCRIPT}' in written
    assert '"metadata":{"b": 1.10,"a":2}' in written
    assert list(loads(written)).count("transcript") == 1
    assert written.count('"transcript"') == 1, "no key is there twice"


def test_an_object_may_have_nothing_but_stored_json() -> None:
    assert with_json({"a": None}, a="[ ]") == b'{"a":[ ]}'
