"""What a service on this machine says of itself at its operators' port."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

ANSWER_SECONDS = 2.0
_directly = build_opener(ProxyHandler({}))  # no proxy leads to this machine, whatever HTTP_PROXY says


def readyz(port: int) -> dict[str, Any] | None:
    """Return the answer of /readyz, of a service that is not ready as well; None where no service of ours answers."""
    try:
        told = json.loads(_answer(port))
    except (OSError, HTTPException, ValueError):
        return None
    return told if isinstance(told, dict) and "parts" in told else None


def _answer(port: int) -> bytes:
    try:
        with _directly.open(f"http://127.0.0.1:{port}/readyz", timeout=ANSWER_SECONDS) as answer:
            body: bytes = answer.read()
    except HTTPError as error:
        body = error.read()
    return body
