"""The scheduler's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.metrics import LATENCY_BUCKETS_SECONDS

DISPATCHED = Counter("rehearsal_runs_dispatched", "Runs that were given a slot.")
EXPIRED = Counter("rehearsal_runs_expired", "Runs that ended before they were dispatched.")
CANCELED = Counter("rehearsal_runs_canceled", "Runs that were canceled before they were dispatched.")
RETURNED = Counter("rehearsal_runs_returned", "Dispatches that no worker had room for.")
ANNOUNCED_ROOM = Gauge("rehearsal_announced_room", "Calls that all live workers can hold at once.")
DISPATCHED_NOW = Gauge("rehearsal_runs_dispatched_now", "Runs that have a slot and have not ended.")
WAITING_FOR_ROOM = Gauge("rehearsal_runs_waiting_for_room", "Runs that are due beside a free slot: workers are short.")
TICK_SECONDS = Histogram(
    "rehearsal_tick_seconds", "Time of one tick of the scheduler.", buckets=LATENCY_BUCKETS_SECONDS
)
QUEUE_SECONDS = Histogram("rehearsal_queue_seconds", "From request to dispatch.", buckets=LATENCY_BUCKETS_SECONDS)
