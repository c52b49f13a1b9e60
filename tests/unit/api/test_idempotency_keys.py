"""The key that a client means, and what must be the same when it comes again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.domain.asking import IdempotencyKey
from services.api.edges.http.idempotency import GivenKey, fingerprinted, read_idempotency_key
from services.api.edges.http.models.forms import AskingForm, BatchForm, TestCallForm
from services.api.edges.http.problems import Refused
from tests.unit.api.test_reading_bodies import BODY, JSON

BATCH = {**BODY, "run_count": 2}
DEFAULTS: dict[type[AskingForm], dict[str, Any]] = {
    TestCallForm: {"target_number": "", "scenario_prompt": "", "mode": "bot", "metadata": {}, "dry_run": False},
    BatchForm: {
        **{"target_number": "", "scenario_prompt": "", "mode": "bot", "metadata": {}, "dry_run": False},
        **{"stagger_seconds": 0, "scenario_prompts": [], "name": ""},
    },
}
WITHOUT_DEFAULT = ("conditions", "recording", "max_cost_cents")
MEAN = {
    "k": "k",
    '"k"': "k",
    ' "k" ': "k",
    '"a b"': "a b",
    r'"a\"b\\c"': 'a"b\\c',
    '"k";a': "k",
    '"k";a=1;b=?0; c="x;\\"y";d=:aGk=:;e=tok/en:x;f=-1.25;*g=@1659578233': "k",
    'a"b': 'a"b',
    "a;b=1": "a;b=1",
    "'k'": "'k'",
    "8e03978e-40d5-43e8-bc93-6894a57f9324": "8e03978e-40d5-43e8-bc93-6894a57f9324",
    '"8e03978e-40d5-43e8-bc93-6894a57f9324"': "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
MALFORMED = [
    *(
        '"',
        '"k',
        '"k" x',
        '"k"k',
        '"a"b"',
        r'"\k"',
        '"k\\',
        '"ü"',
        '"\t"',
        '"k", "l"',
        '"k";',
        '"k" ;a',
        '"k";A=1',
        '"k";a=ü',
    ),
    '"k";a=' + "9" * 16,
]


def key_of(form: type[AskingForm], body: dict[str, Any], path: str = "/p", method: str = "POST") -> IdempotencyKey:
    return fingerprinted(GivenKey("k", "k"), form.model_validate(body), body, method, path)


def fingerprint(body: dict[str, Any], **where: str) -> bytes:
    return key_of(TestCallForm, body, **where).fingerprint


@pytest.mark.parametrize(("header", "key"), MEAN.items())
def test_a_key_is_read_bare_and_as_the_draft_writes_it(header: str, key: str) -> None:
    assert read_idempotency_key([header], {}) == GivenKey(key, header)
    assert read_idempotency_key([header, key], {"idempotency_key": key}) == GivenKey(key, header)


@pytest.mark.parametrize("header", MALFORMED)
def test_a_malformed_quoted_key_is_refused(header: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_idempotency_key([header], {})
    assert set(json.loads(bytes(refusal.value.answer.body))) == {"Idempotency-Key", "code"}


@settings(derandomize=True, max_examples=200)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30))
def test_every_printable_key_can_be_quoted(key: str) -> None:
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert read_idempotency_key([quoted], {}) == GivenKey(key, quoted)


@settings(derandomize=True, max_examples=150)
@given(st.dictionaries(st.text(max_size=9), JSON, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter_to_a_fingerprint(more: dict[str, Any], chance: Any) -> None:
    body = {**{f"x-{name}": value for name, value in more.items()}, **BODY}
    names = list(body)
    chance.shuffle(names)
    assert fingerprint(body) == fingerprint({name: body[name] for name in names})


@pytest.mark.parametrize("form", [TestCallForm, BatchForm])
def test_null_omitted_and_the_stated_default_are_one(form: type[AskingForm]) -> None:
    body = BATCH if form is BatchForm else BODY
    optional = {name for name, field in form.model_fields.items() if not field.is_required()}
    assert {*DEFAULTS[form], "idempotency_key", *WITHOUT_DEFAULT} == optional
    wanted = key_of(form, body).fingerprint
    for name, default in DEFAULTS[form].items():
        assert key_of(form, {**body, name: None}).fingerprint == wanted, name
        assert key_of(form, {**body, name: default}).fingerprint == wanted, name
    assert key_of(form, {**body, **DEFAULTS[form], "what": None}).fingerprint == wanted


def test_everything_else_matters_to_a_fingerprint() -> None:
    others = [
        fingerprint(BODY, path="/v1/test-call-batches"),
        fingerprint(BODY, method="PUT"),
        fingerprint({**BODY, "target_id": 8}),
        fingerprint({**BODY, "target_number": "+15551230000"}),
        fingerprint({**BODY, "metadata": {"a": None}}),
        fingerprint({**BODY, "metadata": {"a": 1}}),
        fingerprint({**BODY, "metadata": {"a": 1.5}}),
        fingerprint({**BODY, "what": ""}),
        fingerprint({**BODY, "what": 0}),
        fingerprint({**BODY, "what": False}),
        key_of(BatchForm, BATCH).fingerprint,
        key_of(BatchForm, {**BATCH, "scenario_prompts": [""]}).fingerprint,
        key_of(BatchForm, {**BATCH, "stagger_seconds": 1}).fingerprint,
    ]
    assert len({fingerprint(BODY), *others}) == 1 + len(others)


def test_to_the_letter_is_what_releases_before_have_kept() -> None:
    """Fingerprints of theirs are in the table for a day after a deploy."""
    body = {**BODY, "mode": "bot", "name": None}
    digest = "ca62be9a910c30fc04977a604bd87b02fe297b10856c42455df9e20d2cc87c86"
    assert key_of(TestCallForm, body, "/v1/test-calls").verbatim.hex() == digest
    assert key_of(TestCallForm, {**body, "idempotency_key": "k"}, "/v1/test-calls").verbatim.hex() == digest


def test_the_key_itself_is_no_part_of_the_fingerprint() -> None:
    assert read_idempotency_key([], {**BODY, "idempotency_key": "k"}) == GivenKey("k", "k")
    assert read_idempotency_key([], BODY) is None
    assert fingerprint({**BODY, "idempotency_key": "k"}) == fingerprint(BODY)


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        *[(["a"], "b"), (['"a"'], "b"), (['"a"'], '"a"'), ([""], None), (['""'], None), (["a" * 256], None)],
        *[
            ([f'"{"a" * 256}"'], None),
            (["a", "b"], None),
            (["a", '"b"'], None),
            ([], ""),
            ([], "a" * 129),
            ([], "\x00"),
        ],
    ],
)
def test_a_key_that_cannot_be_one_is_refused(headers: list[str], in_body: str | None) -> None:
    with pytest.raises(Refused) as refusal:
        read_idempotency_key(headers, {**BODY, "idempotency_key": in_body})
    assert json.loads(bytes(refusal.value.answer.body))["code"] == "validation_error"


def test_quotes_and_escapes_do_not_count_in_the_length() -> None:
    quoted = '"' + "\\\\" * 255 + '"'
    assert read_idempotency_key([quoted], {}) == GivenKey("\\" * 255, quoted)
