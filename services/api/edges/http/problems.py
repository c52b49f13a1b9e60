"""Errors of the contract: a status, a sentence and a stable word."""

from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

UNAVAILABLE_RETRY_AFTER_SECONDS = 2


class Refused(HTTPException):
    """An error of the contract, raised where no answer can be returned."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error of the contract: a sentence and a stable word."""
    return JSONResponse({"detail": detail, "code": code}, status, headers)


def invalid(fields: Mapping[str, list[str]]) -> Response:
    """Return a field validation error of the contract."""
    return JSONResponse({**fields, "code": "validation_error"}, 400)


def unauthorized() -> Response:
    return problem(
        401, "unauthorized", "A valid secret API key is required.", {"WWW-Authenticate": 'Bearer realm="rehearsal"'}
    )


def unsigned() -> Response:
    return problem(401, "unsigned", "A valid signature of a moment ago is required.")


def too_large() -> Response:
    return problem(413, "body_too_large", "The body is larger than 1 MiB.", {"Connection": "close"})


def head_too_large() -> Response:
    return problem(431, "headers_too_large", "The request's headers are too many or too long.")


def too_slow() -> Response:
    return problem(408, "request_timeout", "The request did not come to its end in time.")


def bad_request() -> Response:
    return problem(400, "bad_request", "The request is no well-formed HTTP.")


def encoded() -> Response:
    return problem(415, "unsupported_encoding", "The body must be sent as it is, without a Content-Encoding.")


def malformed(detail: str) -> Response:
    return problem(400, "malformed_json", detail)


def not_found() -> Response:
    return problem(404, "not_found", "Not found.")


def method_not_allowed(allowed: Sequence[str]) -> Response:
    return problem(405, "method_not_allowed", "This method is not allowed here.", {"Allow": ", ".join(allowed)})


def consent_required() -> Response:
    return problem(400, "consent_required", "consent_to_charge must be true: test calls are charged.")


def nothing_to_retry() -> Response:
    return problem(400, "nothing_to_retry", "No run of this batch has failed.")


def unavailable() -> Response:
    return problem(
        503,
        "unavailable",
        "The service cannot answer now. Please try again.",
        {"Retry-After": str(UNAVAILABLE_RETRY_AFTER_SECONDS)},
    )


def read_timed_out() -> Response:
    return problem(
        503,
        "unavailable",
        "This took too long to read. Please try again, or ask for less.",
        {"Retry-After": str(UNAVAILABLE_RETRY_AFTER_SECONDS)},
    )


def internal_error() -> Response:
    return problem(500, "internal_error", "Something went wrong on our side.")
