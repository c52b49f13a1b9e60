"""Structured logs: one JSON object a line on standard error, with the trace id where there is one.

Prompts, phone numbers and transcripts never go into a log line: call sites give ids and counts.
"""

import logging
import sys
import traceback
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from shared.telemetry.traceparent import trace_id_of

MAX_MESSAGE_CHARS = 2_000
MAX_CAUSES = 5
MAX_FRAMES = 20


class _Formatter(JsonFormatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """Write where an exception came from and its types, never its text: texts quote rows, requests and prompts."""
        lines = []
        error = ei[1]
        for _ in range(MAX_CAUSES):
            if error is None:
                break
            lines += ["".join(traceback.format_tb(error.__traceback__)[-MAX_FRAMES:]), f"{error_name(error)}\n"]
            error = error.__cause__ or error.__context__
        return "".join(lines)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        message = log_data.get("message")
        if isinstance(message, str) and len(message) > MAX_MESSAGE_CHARS:
            log_data["message"] = message[:MAX_MESSAGE_CHARS]


def logger(name: str) -> logging.Logger:
    """Return the logger of a module. Fields go into `extra`."""
    return logging.getLogger(name)


def error_name(error: BaseException) -> str:
    """Name an error without quoting it: its type, and PostgreSQL's code where there is one."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or getattr(error, "sqlstate", None)
    return f"{type(error).__module__}.{type(error).__qualname__}" + (f" ({state})" if state else "")


def trace_fields(traceparent: str | None) -> dict[str, str]:
    """Return the fields that join a line to its trace."""
    trace_id = trace_id_of(traceparent)
    return {"trace_id": trace_id} if trace_id else {}


def configure(*, service: str, level: str) -> None:
    """Send all logs of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            "%(levelname)s %(name)s %(message)s",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"service": service},
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("aiokafka", "uvicorn", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # These two quote what they could not handle: request bodies and prompts at their debug level.
    for indiscreet in ("openai", "httpcore", "httpcore2", "httpx2", "sqlalchemy", "asyncio"):
        logging.getLogger(indiscreet).setLevel(logging.WARNING)
