"""Bodies: strict JSON in, a form or a refusal out."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.edges.http.models.forms import AskingForm, BatchForm, TestCallForm
from services.api.edges.http.problems import Refused
from services.api.edges.http.strict import read_json
from tests.unit.api.models import read_or_sentences

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
OPTIONAL = ("run_count", "scenario_prompts", "metadata", "name")


@settings(derandomize=True, max_examples=150)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_an_object_or_a_400(body: bytes) -> None:
    status = 200
    try:
        assert isinstance(read_json(body), dict)
    except Refused as refusal:
        status = refusal.answer.status_code
    assert status in (200, 400)


@settings(derandomize=True, max_examples=150)
@given(st.dictionaries(st.sampled_from((*FIELDS, *OPTIONAL)), JSON))
def test_arbitrary_fields_are_a_form_or_sentences_about_them(changes: dict[str, Any]) -> None:
    for form in (TestCallForm, BatchForm):
        read = read_or_sentences(form, {**BODY, "run_count": 1, **changes}, where="body")
        if isinstance(read, AskingForm):
            assert read.consent_to_charge is True
        elif read is not None:  # None: all is right but the consent
            assert read.keys() <= {*FIELDS, *OPTIONAL}
            assert all(sentence.endswith(".") for sentences in read.values() for sentence in sentences)
