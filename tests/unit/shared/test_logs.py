"""Logs: one JSON object a line; error texts, which quote rows and prompts, never get in."""

import json
import logging
from collections.abc import Iterator

import pytest

from shared.telemetry import logs

SECRET = "my card number is 4111"


@pytest.fixture(autouse=True)
def the_root_logger_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_a_json_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(service="api", level="INFO")
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    logs.logger("x").info("run accepted", extra={"run_id": 7, **logs.trace_fields(traceparent)})
    (line,) = lines(capsys)
    assert (line["service"], line["level"], line["message"], line["run_id"]) == ("api", "INFO", "run accepted", 7)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "timestamp" in line


def _fail_with_a_cause() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(f"because of {SECRET}") from error


def test_an_exception_says_where_and_what_but_never_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(service="api", level="INFO")
    try:
        _fail_with_a_cause()
    except RuntimeError as error:
        logs.logger("x").exception("it failed", extra={"error": logs.error_name(error)})
    (line,) = lines(capsys)
    assert SECRET not in json.dumps(line)
    assert "builtins.RuntimeError" in str(line["exc_info"])
    assert "builtins.ValueError" in str(line["exc_info"])
    assert "test_logs.py" in str(line["exc_info"])


def test_a_message_has_a_limit_and_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(service="api", level="INFO")
    logs.logger("x").warning("a\nb" * 10_000)
    (line,) = lines(capsys)
    assert len(str(line["message"])) == logs.MAX_MESSAGE_CHARS
