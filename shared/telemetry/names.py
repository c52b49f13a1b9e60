"""The register of telemetry names: metrics, spans and attributes. Dashboards and alerts are written against these."""

from dataclasses import dataclass
from typing import Literal

LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One Prometheus metric. The unit is the end of the name; counters get `_total` from the client library."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ("service",)
    buckets: tuple[float, ...] = LATENCY_BUCKETS_SECONDS


CONSUMED = Metric("rehearsal_consumed_records", "counter", "Kafka records applied, dead letters included.")
BATCH_RECORDS = Metric("rehearsal_batch_records", "histogram", "Records of one transaction.", buckets=BATCH_BUCKETS)
APPLY_SECONDS = Metric("rehearsal_apply_seconds", "histogram", "Time to apply one poll's records.")
RETRIES = Metric("rehearsal_batch_retries", "counter", "Batches tried again after a transient failure.")
HELD_BACK = Metric("rehearsal_held_back", "counter", "Times a partition waited for records of other topics.")
STALE_CONSUMERS = Metric("rehearsal_stale_consumer", "counter", "Transactions refused: another instance was first.")
OFFSETS_OFF_LOG = Metric("rehearsal_offsets_off_log", "counter", "ALARM: stored offsets do not fit the Kafka log.")
DEAD_LETTERS = Metric("rehearsal_dead_letters", "counter", "Records given up.", ("service", "topic"))
LAG = Metric(
    "rehearsal_consumer_lag_records",
    "gauge",
    "Offsets not consumed yet, as of the last fetch; NaN where that is not known.",
    ("service", "topic", "partition"),
)
STOPPED_AT_OFFSET = Metric(
    "rehearsal_consumer_stopped_at_offset",
    "gauge",
    "ALARM: the offset at which a partition stands still until an operator acts; only there while it does.",
    ("service", "topic", "partition"),
)
UNKNOWN_REVOCATIONS = Metric(
    "rehearsal_unknown_revocations", "counter", "ALARM: unreadable revocations of an API key that name no key.", ()
)
PUBLISHED = Metric("rehearsal_published_records", "counter", "Outbox rows acknowledged by Kafka.")
PUBLISH_SECONDS = Metric("rehearsal_publish_seconds", "histogram", "Time to publish one batch of the outbox.")
RELAY_FAILURES = Metric("rehearsal_relay_failures", "counter", "Times the outbox relay began again.")
SET_ASIDE = Metric("rehearsal_outbox_set_aside", "counter", "ALARM: outbox rows that can't be sent, set aside.")
OUTBOX_ASIDE = Metric("rehearsal_outbox_aside_rows", "gauge", "Outbox rows set aside, until an operator sends them.")
OUTBOX_OLDEST_SECONDS = Metric("rehearsal_outbox_oldest_seconds", "gauge", "Age of the outbox's oldest row.")
COMPONENT_RESTARTS = Metric(
    "rehearsal_component_restarts", "counter", "Times a part of a service was started again.", ("service", "component")
)
COMPONENT_READY = Metric(
    "rehearsal_component_ready", "gauge", "1 while a part of a service does its work, else 0.", ("service", "component")
)
HTTP_SECONDS = Metric(
    "rehearsal_http_request_seconds", "histogram", "Time to answer a request.", ("method", "route", "status")
)
HTTP_IN_FLIGHT = Metric("rehearsal_http_requests_in_flight", "gauge", "Requests being answered.", ())
HTTP_CONNECTIONS = Metric("rehearsal_http_connections", "gauge", "Connections to the API, idle ones included.", ())
HTTP_CONNECTIONS_CLOSED = Metric(
    "rehearsal_http_connections_closed", "counter", "Connections that the API closed on its own accord.", ("reason",)
)
RUNS_ACCEPTED = Metric("rehearsal_runs_accepted", "counter", "Test-call runs accepted.", ())
RUNS_REFUSED = Metric("rehearsal_requests_refused", "counter", "Requests for test calls refused.", ("code",))
RUN_SECONDS = Metric(
    "rehearsal_run_accepted_to_billed_seconds", "histogram", "From acceptance to the final ledger entry.", ()
)
ENTRIES = Metric("rehearsal_ledger_entries", "counter", "Ledger entries written.", ("kind",))
SETTLED_CENTS = Metric("rehearsal_settled_cents", "counter", "Charged to customers, in US cents.", ())
DECLINED = Metric("rehearsal_funds_declined", "counter", "Requests that billing declined.", ("reason",))
PAYMENTS_REFUSED = Metric(
    "rehearsal_payments_refused", "counter", "ALARM: payments that went to the dead letters, unposted.", ("kind",)
)
DISPATCHED = Metric("rehearsal_runs_dispatched", "counter", "Runs that were given a slot.", ())
EXPIRED = Metric("rehearsal_runs_expired", "counter", "Runs that ended before they were dispatched.", ())
RETURNED = Metric("rehearsal_runs_returned", "counter", "Dispatches that no worker had room for.", ())
ANNOUNCED_ROOM = Metric("rehearsal_announced_room", "gauge", "Calls that all live workers can hold at once.", ())
DISPATCHED_NOW = Metric("rehearsal_runs_dispatched_now", "gauge", "Runs that have a slot and have not ended.", ())
WAITING_FOR_ROOM = Metric(
    "rehearsal_runs_waiting_for_room", "gauge", "Runs that are due beside a free slot: workers are short.", ()
)
TICK_SECONDS = Metric("rehearsal_tick_seconds", "histogram", "Time of one tick of the scheduler.", ())
QUEUE_SECONDS = Metric("rehearsal_queue_seconds", "histogram", "From request to dispatch.", ())
CALLS_UP = Metric("rehearsal_calls_up", "gauge", "Calls that this process holds now.", ())
CALLS_ENDED = Metric("rehearsal_calls_ended", "counter", "Calls that ended.", ("end_reason",))
LEASES_LOST = Metric("rehearsal_leases_lost", "counter", "Calls hung up because their lease was over.", ())
ATTEMPTS_REAPED = Metric("rehearsal_attempts_reaped", "counter", "Attempts whose lease ran out.", ("outcome",))
BOOKS_LEAKS = Metric(
    "rehearsal_books_leaks", "gauge", "ALARM: what does not fit between the services' books.", ("kind",)
)
BOOKS_OLDEST_LEAK = Metric("rehearsal_books_oldest_leak_seconds", "gauge", "Age of the oldest leak.", ("kind",))
BOOKS_LOOKED_AT = Metric(
    "rehearsal_books_looked_at_seconds", "gauge", "When the books were last read to their end (Unix time).", ("kind",)
)
BOOKS_FAILURES = Metric("rehearsal_books_failures", "counter", "Times the books could not be read.", ("kind",))

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))

# Span names. `messaging.*` and `http.*` attributes follow OpenTelemetry's semantic conventions.
SPAN_PUBLISH = "publish {topic}"
SPAN_CONSUME = "process {topic}"
SPAN_HTTP = "{method} {route}"
SPAN_CALL = "test call"
SPANS = (SPAN_PUBLISH, SPAN_CONSUME, SPAN_HTTP, SPAN_CALL)

ATTRIBUTE_RUN_ID = "rehearsal.run_id"
ATTRIBUTE_ORG_ID = "rehearsal.org_id"
ATTRIBUTE_CALL_ID = "rehearsal.call_id"
ATTRIBUTE_END_REASON = "rehearsal.end_reason"
ATTRIBUTE_EVENT_TYPE = "cloudevents.event_type"
ATTRIBUTE_EVENT_ID = "cloudevents.event_id"
ATTRIBUTE_TOPIC = "messaging.destination.name"
ATTRIBUTE_SYSTEM = "messaging.system"
ATTRIBUTE_HTTP_METHOD = "http.request.method"
ATTRIBUTE_HTTP_ROUTE = "http.route"
ATTRIBUTE_HTTP_STATUS = "http.response.status_code"
ATTRIBUTES = tuple(value for name, value in list(globals().items()) if name.startswith("ATTRIBUTE_"))
