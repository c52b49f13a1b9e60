"""Rows of what was dispatched, as use cases take them."""

from collections.abc import Sequence
from typing import Any

from services.scheduler import metrics
from services.scheduler.domain.run import Dispatched


def told(rows: Sequence[Any], *, skip: int = 0) -> list[Dispatched]:
    """Return what the columns `TOLD` say, behind `skip` others; count it."""
    metrics.DISPATCHED.inc(len(rows))
    for row in rows:
        metrics.QUEUE_SECONDS.observe(max(0.0, row.queued_seconds))
    return [Dispatched(*row[skip:-1]) for row in rows]
