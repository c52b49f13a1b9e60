"""Signatures of hooks: HMAC-SHA256 over id, time and body. Source: Standard Webhooks 1.0, "Signature scheme"."""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from hashlib import sha256

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_SECONDS = 300
MIN_SECRET_BYTES = 24
MAX_ID_CHARS = 255
MAX_SIGNATURES = 8
_PREFIX, _VERSION = "whsec_", "v1,"


def read_secret(written: str) -> bytes:
    """Read a secret as it is configured: `whsec_` and base64. Raises ValueError for a short or unreadable one."""
    if not written.startswith(_PREFIX):
        raise ValueError("must begin with whsec_")
    try:
        secret = base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("must be whsec_ and base64") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"must hold at least {MIN_SECRET_BYTES} bytes")
    return secret


def signed(secret: bytes, hook_id: str, body: bytes, *, now: float | None = None) -> dict[str, str]:
    """Return the headers that go with a body. `hook_id` stays the same when it is sent again."""
    at = str(int(time.time() if now is None else now))
    return {ID: hook_id, TIMESTAMP: at, SIGNATURE: _signature(secret, hook_id, at, body)}


def is_signed(secret: bytes, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> bool:
    """Say whether a body came from who has the secret, a moment ago. In constant time, as far as that matters."""
    hook_id, at, given = headers.get(ID, ""), headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (0 < len(hook_id) <= MAX_ID_CHARS and at.isascii() and at.isdigit() and len(at) <= 12):
        return False
    if abs((time.time() if now is None else now) - int(at)) > TOLERANCE_SECONDS:
        return False
    expected = _signature(secret, hook_id, at, body).encode()
    return any(
        hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given.split(" ", MAX_SIGNATURES)
    )


def _signature(secret: bytes, hook_id: str, at: str, body: bytes) -> str:
    digest = hmac.new(secret, b".".join((hook_id.encode("utf-8", "replace"), at.encode(), body)), sha256).digest()
    return _VERSION + base64.b64encode(digest).decode()
