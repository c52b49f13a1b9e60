"""What a refusal looks like, to the last key."""

import httpx2


def assert_problem(answer: httpx2.Response, status: int, code: str) -> None:
    """An error of the contract: a sentence and a stable word, nothing else."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"detail", "code"}
    assert body["code"] == code
    assert isinstance(body["detail"], str)
    assert body["detail"].endswith(".")


def assert_invalid(answer: httpx2.Response, *fields: str) -> None:
    """A field validation error of the contract, about exactly these fields."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body.pop("code") == "validation_error"
    assert set(body) == set(fields)
    for sentences in body.values():
        assert isinstance(sentences, list)
        assert sentences
        assert all(isinstance(sentence, str) and sentence for sentence in sentences)
