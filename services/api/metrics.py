"""The API's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.metrics import LATENCY_BUCKETS_SECONDS

HTTP_SECONDS = Histogram(
    "rehearsal_http_request_seconds",
    "Time to answer a request.",
    ("method", "route", "status"),
    buckets=LATENCY_BUCKETS_SECONDS,
)
HTTP_IN_FLIGHT = Gauge("rehearsal_http_requests_in_flight", "Requests being answered.")
HTTP_CONNECTIONS = Gauge("rehearsal_http_connections", "Connections to the API, idle ones included.")
HTTP_CONNECTIONS_CLOSED = Counter(
    "rehearsal_http_connections_closed", "Connections that the API closed on its own accord.", ("reason",)
)
WAITING = Gauge("rehearsal_http_waiting", "Requests that wait for a run or a batch to end.")
RUNS_ACCEPTED = Counter("rehearsal_runs_accepted", "Test-call runs accepted.")
RUNS_REFUSED = Counter("rehearsal_requests_refused", "Requests for test calls refused.", ("code",))
CANCELS_REQUESTED = Counter("rehearsal_cancels_requested", "Runs that were asked to end.")
RUN_SECONDS = Histogram(
    "rehearsal_run_accepted_to_billed_seconds",
    "From acceptance to the final ledger entry.",
    buckets=LATENCY_BUCKETS_SECONDS,
)
RECORDINGS_DELETED = Counter("rehearsal_recordings_deleted", "Recordings deleted because their time was over.")
RECORDINGS_ORPHANED = Gauge("rehearsal_recordings_orphaned", "Objects in the store of recordings that no row names.")
UNKNOWN_REVOCATIONS = Counter(
    "rehearsal_unknown_revocations", "ALARM: unreadable revocations of an API key that name no key."
)
