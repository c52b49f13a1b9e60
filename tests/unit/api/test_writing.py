"""Stored JSON goes into an answer as the text that it is."""

from datetime import UTC, datetime
from json import loads
from typing import Any

from services.api.domain.views import BATCH_COLUMNS, RUN_COLUMNS
from services.api.edges.http.models.batches import TestCallBatch
from services.api.edges.http.models.calls import Transcript
from services.api.edges.http.models.runs import TestCallRun

AT = datetime(2026, 1, 1, tzinfo=UTC)
TRANSCRIPT = '[{"role": "user", "content": "ü\\u0000 \\"", "start_ms": 1e3}]'
WORDS: dict[str, Any] = {"target_type": "agent", "direction": "outbound", "mode": "bot", "status": "completed"}
TEXTS = ("name", "target_name", "agent_name", "target_number", "scenario_prompt", "error_message")


def a_row(columns: tuple[str, ...], **fields: Any) -> dict[str, Any]:
    """A row in which every number is 1."""
    row = {name: AT if name.endswith("_at") else "" if name in TEXTS else 1 for name in columns}
    return {**row, **{name: word for name, word in WORDS.items() if name in columns}, **fields}


def test_a_runs_transcript_and_metadata_are_not_written_anew() -> None:
    row = a_row(RUN_COLUMNS, metadata='{"b": 1.10,"a":2}', transcript=TRANSCRIPT)
    written = TestCallRun.written(row).decode()
    assert f'"transcript":{TRANSCRIPT}' in written
    assert '"metadata":{"b": 1.10,"a":2}' in written
    assert loads(written).keys() == TestCallRun.model_fields.keys()
    assert written.count('"transcript"') == written.count('"metadata"') == 1, "no key is there twice"


def test_a_batchs_prompts_are_not_written_anew() -> None:
    written = TestCallBatch.written(a_row(BATCH_COLUMNS, scenario_prompts='["a",  "b"]', run_ids=[1, 2])).decode()
    assert '"scenario_prompts":["a",  "b"]' in written
    assert loads(written).keys() == TestCallBatch.model_fields.keys()


def test_an_answer_may_have_little_but_stored_json() -> None:
    assert Transcript.written({"call_id": 1, "transcripts": "[ ]"}) == b'{"call_id":1,"transcripts":[ ]}'
