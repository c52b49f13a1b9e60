"""The one table from refusals to answers."""

import json

import pytest

from services.api.domain import admission, asking
from services.api.edges.http.refusals import refused

TABLE = [
    (admission.TargetNotFound("agent"), 404, "target_not_found"),
    (admission.TargetNotFound("phone_number"), 404, "target_not_found"),
    (admission.InsufficientBalance(15, 16), 402, "insufficient_balance"),
    (admission.ConcurrencyLimit(20), 429, "concurrency_limit"),
    (admission.QueueFull(200), 429, "queue_full"),
    (asking.KeyMismatch(), 422, "idempotency_mismatch"),
    (asking.KeyInUse(), 409, "idempotency_conflict"),
]


@pytest.mark.parametrize(("refusal", "status", "code"), TABLE)
def test_every_refusal_has_a_status_and_a_word(
    refusal: admission.Refused | asking.KeyMismatch | asking.KeyInUse, status: int, code: str
) -> None:
    answer = refused(refusal)
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, body["code"], set(body)) == (status, code, {"detail", "code"})
    assert ("retry-after" in answer.headers) is (status in (429, 409))


def test_a_number_without_an_agent_is_a_wrong_field() -> None:
    answer = refused(admission.NoAgentAssigned("outbound"))
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, set(body), body["code"]) == (400, {"target_id", "code"}, "validation_error")


def test_funds_below_zero_are_told_as_they_are() -> None:
    body = json.loads(bytes(refused(admission.InsufficientBalance(-5, 16)).body))
    assert body["detail"] == "The estimate of 16 cents exceeds the available funds of -5 cents."
