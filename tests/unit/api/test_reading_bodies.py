"""Bodies: strict JSON in, a form or a refusal out."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from services.api.edges.http.body import read_form, read_json
from services.api.edges.http.forms import BatchForm, TestCallForm

BODY = {"target_type": "agent", "target_id": 7, "direction": "outbound", "consent_to_charge": True}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("target_type", "target_id", "direction", "target_number", "scenario_prompt", "mode", "consent_to_charge")


@settings(derandomize=True, max_examples=150)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_an_object_or_a_400(body: bytes) -> None:
    read = read_json(body)
    assert isinstance(read, dict) or read.status_code == 400


@settings(derandomize=True, max_examples=150)
@given(st.dictionaries(st.sampled_from((*FIELDS, "run_count", "scenario_prompts", "metadata", "name")), JSON))
def test_arbitrary_fields_are_a_form_or_a_400(changes: dict[str, Any]) -> None:
    for form in (TestCallForm, BatchForm):
        read = read_form(form, {**BODY, "run_count": 1, **changes})
        assert not isinstance(read, Response) or read.status_code == 400
