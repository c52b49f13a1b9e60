"""CORS: which other sites' scripts may read the problems. None, unless the operator names them. Source: Fetch, 3.2."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import Message, Scope

EXPOSED = (
    "Idempotent-Replayed, Link, Location, Retry-After, X-Trace-Id, X-Total-Count, X-Total-Count-Exact, WWW-Authenticate"
)
PREFLIGHT_SECONDS = 600
MAX_REQUESTED_CHARS = 1_024
_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)


class Cors:
    """Adds headers to answers for the origins that are allowed, and none for any other."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def add(self, scope: Scope, message: Message) -> None:
        """Add what a browser asks for to the start of an answer."""
        if not self._origins:
            return
        asked, answer = Headers(scope=scope), message["headers"]
        answer.append((b"vary", b"Origin"))
        origin = asked.get("origin", "")
        if origin not in self._origins:
            return
        answer.append((b"access-control-allow-origin", origin.encode("latin-1")))
        answer.append((b"access-control-expose-headers", EXPOSED.encode()))
        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            answer += _preflight(asked, answer)


def _preflight(asked: Headers, answer: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Allow the path's methods, and whatever headers the script wants to send: unknown ones are ignored anyway."""
    found = [
        (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        *((b"access-control-allow-methods", value) for name, value in answer if name == b"allow"),
    ]
    wanted = asked.get("access-control-request-headers", "")
    if len(wanted) <= MAX_REQUESTED_CHARS and _HEADER_NAMES.fullmatch(wanted):
        found.append((b"access-control-allow-headers", wanted.encode("latin-1")))
    return found
