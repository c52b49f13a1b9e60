"""The metrics of the watch over the books."""

from prometheus_client import Counter, Gauge

BOOKS_LEAKS = Gauge("rehearsal_books_leaks", "ALARM: what does not fit between the services' books.", ("kind",))
BOOKS_OLDEST_LEAK = Gauge("rehearsal_books_oldest_leak_seconds", "Age of the oldest leak.", ("kind",))
BOOKS_LOOKED_AT = Gauge(
    "rehearsal_books_looked_at_seconds", "When the books were last read to their end (Unix time).", ("kind",)
)
BOOKS_FAILURES = Counter("rehearsal_books_failures", "Times the books could not be read.", ("kind",))
