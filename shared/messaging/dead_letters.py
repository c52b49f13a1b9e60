"""Dead letters: the original record, byte for byte, with the reason in headers."""

from shared.events.attributes import attributes_of
from shared.events.envelope import Sealed
from shared.events.topics import DLQ_SUFFIX, MAX_RECORD_BYTES
from shared.messaging.messages import DeadLetter
from shared.messaging.reading import Record, said_when

MAX_REASON_CHARS = 500
MAX_KEPT_HEADERS = 30
MAX_KEPT_NAME_CHARS = 128
MAX_KEPT_HEADER_BYTES = 1_024
MAX_KEPT_KEY_BYTES = 1_024
FIRST_KEPT = frozenset({"ce_type", "ce_subject", "ce_id", "ce_source", "ce_time", "content-type", "traceparent"})


def sealed_for_dlq(record: Record, topic: str, reason: str, *, service: str) -> Sealed:
    """Wrap a record for `<topic>-dlq`. Headers that no honest producer writes are cut; a value too large is dropped.

    What is kept beside the value is less than the topics' room for headers (`shared/messaging/cluster.py`): a dead
    letter always fits.
    """
    given = [(name, value) for name, value in record.headers if not name.startswith("dlq_")]
    given.sort(key=lambda header: header[0] not in FIRST_KEPT)  # stable: what the record says of itself is kept first
    kept = [
        (name[:MAX_KEPT_NAME_CHARS], (value or b"")[:MAX_KEPT_HEADER_BYTES]) for name, value in given[:MAX_KEPT_HEADERS]
    ]
    value = record.value
    if value is not None and len(value) > MAX_RECORD_BYTES:
        reason, value = f"{reason} (value of {len(value)} bytes dropped)", None
    return Sealed(
        topic + DLQ_SUFFIX,
        record.key[:MAX_KEPT_KEY_BYTES] if record.key is not None else None,
        value,
        [
            *kept,
            ("dlq_reason", reason[:MAX_REASON_CHARS].encode()),
            ("dlq_service", service.encode()),
            ("dlq_topic", topic.encode()),
            ("dlq_partition", str(record.partition).encode()),
            ("dlq_offset", str(record.offset).encode()),
        ],
    )


def dead_letter(record: Record, topic: str, reason: str) -> DeadLetter:
    """Return what the service itself may know of a dead record: its attributes."""
    said = attributes_of(record.headers, record.value)
    key = (record.key or b"")[:MAX_KEPT_KEY_BYTES].decode(errors="replace")
    event_id, occurred_at = said_when(said, record, topic)
    return DeadLetter(topic, said.type, said.subject, reason, said.traceparent, event_id, occurred_at, key)
