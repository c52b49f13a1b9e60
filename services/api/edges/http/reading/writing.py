"""Writes rows as JSON. What is stored as JSON goes out as it is: a page of transcripts is never parsed."""

from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from services.api.edges.http.answers import json_bytes
from services.api.edges.http.shapes import batch_json, run_json


def written(body: bytes) -> Response:
    """Return a JSON answer that is written already."""
    return Response(body, media_type="application/json")


def with_json(content: dict[str, Any], **stored: str) -> bytes:
    """Write an object whose fields `stored` are JSON already."""
    plain = json_bytes({name: value for name, value in content.items() if name not in stored})
    fields = [plain[1:-1], *(f'"{name}":{text}'.encode() for name, text in stored.items())]
    return b"{" + b",".join(field for field in fields if field) + b"}"


def run_bytes(row: Any) -> bytes:
    """Write a run from its row."""
    return with_json(run_json(_view(row)), metadata=row["metadata"], transcript=row["transcript"])


def batch_bytes(row: Any) -> bytes:
    """Write a batch from its row."""
    return with_json(batch_json(_view(row)), scenario_prompts=row["scenario_prompts"])


def _view(row: Any) -> Any:
    """Return a row as a view: the columns have the names of the fields. (A frozen dataclass takes longer to make.)"""
    return SimpleNamespace(**row)
