"""What a service on this machine says of itself at its operators' port."""

import json
import urllib.error
from typing import Any
from urllib.request import ProxyHandler, build_opener

ANSWER_SECONDS = 2.0
_directly = build_opener(ProxyHandler({}))  # no proxy leads to this machine, whatever HTTP_PROXY says


def readyz(port: int) -> dict[str, Any] | None:
    """Return the answer of /readyz, of a service that is not ready as well; None where nobody answers."""
    try:
        with _directly.open(f"http://127.0.0.1:{port}/readyz", timeout=ANSWER_SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
    except (OSError, ValueError):
        return None
    return told
