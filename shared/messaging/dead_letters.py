"""Dead letters: the original record, byte for byte, with the reason in headers."""

from shared.events.envelope import Sealed, header
from shared.events.topics import DLQ_SUFFIX, MAX_RECORD_BYTES
from shared.messaging.messages import DeadLetter
from shared.messaging.reading import Record

MAX_REASON_CHARS = 500
MAX_KEPT_HEADERS = 30
MAX_KEPT_HEADER_BYTES = 1_024
MAX_KEPT_KEY_BYTES = 1_024


def sealed_for_dlq(record: Record, topic: str, reason: str, *, service: str) -> Sealed:
    """Wrap a record for `<topic>-dlq`. Headers that no honest producer writes are cut; a value too large is dropped."""
    kept = [
        (name, (value or b"")[:MAX_KEPT_HEADER_BYTES])
        for name, value in list(record.headers)[:MAX_KEPT_HEADERS]
        if not name.startswith("dlq_")
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
    """Return what the service itself may know of a dead record: its headers."""
    return DeadLetter(
        topic,
        header(record.headers, "ce_type"),
        header(record.headers, "ce_subject"),
        reason,
        header(record.headers, "traceparent"),
    )
