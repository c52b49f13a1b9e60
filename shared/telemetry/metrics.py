"""The metrics that every service has. Its own ones stand in `services/<service>/metrics.py`, made where they are
imported: so that no process shows another's.

Dashboards and alerts are written against these names. The unit ends them; counters get `_total` from the client.
"""

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

_SERVICE = ("service",)
_PARTITION = ("service", "topic", "partition")
_COMPONENT = ("service", "component")

CONSUMED = Counter("rehearsal_consumed_records", "Kafka records applied, dead letters included.", _SERVICE)
BATCH_RECORDS = Histogram("rehearsal_batch_records", "Records of one transaction.", _SERVICE, buckets=BATCH_BUCKETS)
APPLY_SECONDS = Histogram(
    "rehearsal_apply_seconds", "Time to apply one poll's records.", _SERVICE, buckets=LATENCY_BUCKETS_SECONDS
)
RETRIES = Counter("rehearsal_batch_retries", "Batches tried again after a transient failure.", _SERVICE)
HELD_BACK = Counter("rehearsal_held_back", "Times a partition waited for records of other topics.", _SERVICE)
STALE_CONSUMERS = Counter("rehearsal_stale_consumer", "Transactions refused: another instance was first.", _SERVICE)
OFFSETS_OFF_LOG = Counter("rehearsal_offsets_off_log", "ALARM: stored offsets do not fit the Kafka log.", _SERVICE)
DEAD_LETTERS = Counter("rehearsal_dead_letters", "Records given up.", ("service", "topic"))
LAG = Gauge(
    "rehearsal_consumer_lag_records",
    "Offsets not consumed yet, as of the last fetch; NaN where that is not known.",
    _PARTITION,
)
STOPPED_AT_OFFSET = Gauge(
    "rehearsal_consumer_stopped_at_offset",
    "ALARM: the offset at which a partition stands still until an operator acts; only there while it does.",
    _PARTITION,
)
PUBLISHED = Counter("rehearsal_published_records", "Outbox rows acknowledged by Kafka.", _SERVICE)
PUBLISH_SECONDS = Histogram(
    "rehearsal_publish_seconds", "Time to publish one batch of the outbox.", _SERVICE, buckets=LATENCY_BUCKETS_SECONDS
)
RELAY_FAILURES = Counter("rehearsal_relay_failures", "Times the outbox relay began again.", _SERVICE)
SET_ASIDE = Counter("rehearsal_outbox_set_aside", "ALARM: outbox rows that can't be sent, set aside.", _SERVICE)
OUTBOX_ASIDE = Gauge("rehearsal_outbox_aside_rows", "Outbox rows set aside, until an operator sends them.", _SERVICE)
OUTBOX_OLDEST_SECONDS = Gauge("rehearsal_outbox_oldest_seconds", "Age of the outbox's oldest row.", _SERVICE)
COMPONENT_RESTARTS = Counter("rehearsal_component_restarts", "Times a part of a service was started again.", _COMPONENT)
COMPONENT_READY = Gauge("rehearsal_component_ready", "1 while a part of a service does its work, else 0.", _COMPONENT)
