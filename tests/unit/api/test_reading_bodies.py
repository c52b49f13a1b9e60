"""Bodies: strict JSON in, a form or a refusal out; and what must be the same when a key comes again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from services.api.domain.asking import IdempotencyKey
from services.api.edges.http.body import read_form, read_idempotency_key, read_json
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


def fingerprint(body: dict[str, Any], *, path: str = "/v1/test-calls", method: str = "POST") -> bytes:
    key = read_idempotency_key(["k"], body, method=method, path=path)
    assert isinstance(key, IdempotencyKey)
    return key.fingerprint


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


@settings(derandomize=True, max_examples=150)
@given(st.dictionaries(st.text(max_size=9), JSON, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter_to_a_fingerprint(body: dict[str, Any], chance: Any) -> None:
    body.pop("idempotency_key", None)
    names = list(body)
    chance.shuffle(names)
    assert fingerprint(body) == fingerprint({name: body[name] for name in names})


def test_everything_else_matters_to_a_fingerprint() -> None:
    others = [
        fingerprint(BODY, path="/v1/test-call-batches"),
        fingerprint(BODY, method="PUT"),
        fingerprint({**BODY, "target_id": 8}),
        fingerprint({**BODY, "what": None}),
        fingerprint({**BODY, "target_id": "7"}),
        fingerprint({**BODY, "target_id": 7.0}),
    ]
    assert len({fingerprint(BODY), *others}) == 1 + len(others)


def test_the_key_itself_is_no_part_of_the_fingerprint() -> None:
    key = read_idempotency_key([], {**BODY, "idempotency_key": "k"}, method="POST", path="/v1/test-calls")
    assert key == IdempotencyKey("k", fingerprint(BODY))
    assert read_idempotency_key([], BODY, method="POST", path="/v1/test-calls") is None


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [(["a"], "b"), ([""], None), (["a" * 256], None), (["a", "b"], None), ([], ""), ([], "a" * 129), ([], "\x00")],
)
def test_a_key_that_cannot_be_one_is_refused(headers: list[str], in_body: str | None) -> None:
    refused = read_idempotency_key(headers, {**BODY, "idempotency_key": in_body}, method="POST", path="/")
    assert isinstance(refused, Response)
    assert json.loads(bytes(refused.body))["code"] == "validation_error"
