"""The Prometheus metrics of the register, each made once for the process."""

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry import names


def _counter(metric: names.Metric) -> Counter:
    return Counter(metric.name, metric.help, metric.labels)


def _gauge(metric: names.Metric) -> Gauge:
    return Gauge(metric.name, metric.help, metric.labels)


def _histogram(metric: names.Metric) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)


CONSUMED = _counter(names.CONSUMED)
BATCH_RECORDS = _histogram(names.BATCH_RECORDS)
APPLY_SECONDS = _histogram(names.APPLY_SECONDS)
RETRIES = _counter(names.RETRIES)
HELD_BACK = _counter(names.HELD_BACK)
STALE_CONSUMERS = _counter(names.STALE_CONSUMERS)
OFFSETS_OFF_LOG = _counter(names.OFFSETS_OFF_LOG)
DEAD_LETTERS = _counter(names.DEAD_LETTERS)
LAG = _gauge(names.LAG)
STOPPED_AT_OFFSET = _gauge(names.STOPPED_AT_OFFSET)
UNKNOWN_REVOCATIONS = _counter(names.UNKNOWN_REVOCATIONS)
PUBLISHED = _counter(names.PUBLISHED)
PUBLISH_SECONDS = _histogram(names.PUBLISH_SECONDS)
RELAY_FAILURES = _counter(names.RELAY_FAILURES)
SET_ASIDE = _counter(names.SET_ASIDE)
OUTBOX_ASIDE = _gauge(names.OUTBOX_ASIDE)
OUTBOX_OLDEST_SECONDS = _gauge(names.OUTBOX_OLDEST_SECONDS)
COMPONENT_RESTARTS = _counter(names.COMPONENT_RESTARTS)
COMPONENT_READY = _gauge(names.COMPONENT_READY)
HTTP_SECONDS = _histogram(names.HTTP_SECONDS)
HTTP_IN_FLIGHT = _gauge(names.HTTP_IN_FLIGHT)
HTTP_CONNECTIONS = _gauge(names.HTTP_CONNECTIONS)
HTTP_CONNECTIONS_CLOSED = _counter(names.HTTP_CONNECTIONS_CLOSED)
RUNS_ACCEPTED = _counter(names.RUNS_ACCEPTED)
RUNS_REFUSED = _counter(names.RUNS_REFUSED)
RUN_SECONDS = _histogram(names.RUN_SECONDS)
ENTRIES = _counter(names.ENTRIES)
SETTLED_CENTS = _counter(names.SETTLED_CENTS)
DECLINED = _counter(names.DECLINED)
PAYMENTS_REFUSED = _counter(names.PAYMENTS_REFUSED)
DISPATCHED = _counter(names.DISPATCHED)
EXPIRED = _counter(names.EXPIRED)
RETURNED = _counter(names.RETURNED)
ANNOUNCED_ROOM = _gauge(names.ANNOUNCED_ROOM)
DISPATCHED_NOW = _gauge(names.DISPATCHED_NOW)
WAITING_FOR_ROOM = _gauge(names.WAITING_FOR_ROOM)
TICK_SECONDS = _histogram(names.TICK_SECONDS)
QUEUE_SECONDS = _histogram(names.QUEUE_SECONDS)
CALLS_UP = _gauge(names.CALLS_UP)
CALLS_ENDED = _counter(names.CALLS_ENDED)
LEASES_LOST = _counter(names.LEASES_LOST)
ATTEMPTS_REAPED = _counter(names.ATTEMPTS_REAPED)
BOOKS_LEAKS = _gauge(names.BOOKS_LEAKS)
BOOKS_OLDEST_LEAK = _gauge(names.BOOKS_OLDEST_LEAK)
BOOKS_LOOKED_AT = _gauge(names.BOOKS_LOOKED_AT)
BOOKS_FAILURES = _counter(names.BOOKS_FAILURES)
