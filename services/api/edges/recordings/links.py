"""Links to recordings that need no key: signed, for one object, for a limited time."""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlencode

PATH = "/recordings/"
MAX_EXPIRES_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links under an address, good for `seconds`, and knows its own again."""

    secret: bytes
    public_url: str
    seconds: int
    clock: Callable[[], float] = time.time

    def to(self, name: str) -> str:
        """Return a link to an object."""
        return self.until(name)[0]

    def until(self, name: str) -> tuple[str, datetime]:
        """Return a link to an object, and when it ends."""
        expires = int(self.clock()) + self.seconds
        query = urlencode({"expires": expires, "signature": self._signature(name, str(expires))})
        return f"{self.public_url}{PATH}{name}?{query}", datetime.fromtimestamp(expires, UTC)

    def is_ours(self, name: str, expires: str, signature: str) -> bool:
        """Say whether a link is one of ours and not over. In constant time, as far as that matters."""
        expected = self._signature(name, expires).encode()
        is_signed = hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
        if not (is_signed and expires.isascii() and expires.isdigit() and len(expires) <= MAX_EXPIRES_DIGITS):
            return False
        return int(expires) > self.clock()

    def _signature(self, name: str, expires: str) -> str:
        message = f"GET\n{name}\n{expires}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.new(self.secret, message, sha256).digest()).decode().rstrip("=")
