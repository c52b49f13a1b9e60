"""W3C Trace Context: the one line that carries a trace from process to process.

Source: https://www.w3.org/TR/trace-context/ §3.2.
"""

import os
import re

_FORMAT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_VERSION_00_CHARS = 55


def valid(traceparent: str | None) -> str | None:
    """Return the traceparent if it is well formed, else None: what cannot be trusted is not carried on."""
    if traceparent is None or len(traceparent) != _VERSION_00_CHARS or not _FORMAT.fullmatch(traceparent):
        return None
    return traceparent


def new_traceparent() -> str:
    """Begin a trace that no span records: with tracing off, one id still joins the logs of all services."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id, 32 hex digits."""
    return traceparent[3:35] if valid(traceparent) and traceparent else None
