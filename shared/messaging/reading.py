"""Turns Kafka records into what use cases hear, or into dead letters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.errors import Poison
from shared.events.attributes import DIFFERENT_TYPES, Attributes, attributes_of, plainly
from shared.events.envelope import open_sealed
from shared.events.event import Event
from shared.events.register import BY_TYPE, KNOWN_NAMES, Registered
from shared.messaging.messages import Heard

EARLIEST = datetime.fromtimestamp(0, UTC)


class Record(Protocol):
    """The part of aiokafka's ConsumerRecord that is used here."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not for this service: an event that it does not hear, or one that nobody here knows."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record for the dead letters."""

    reason: str


def is_for_others(record: Record, others: Collection[bytes | None]) -> bool:
    """Say whether a record needs no reading: at a glance, its type is among those that only others hear."""
    return plainly(record.headers).get("ce_type") in others and getattr(record, "fault", None) is None


def read(record: Record, topic: str, hears: Mapping[str, Registered]) -> Heard[Any] | Ignored | Unreadable:
    """Read one record of `topic` (without prefix); `hears` maps `ce_type` to what this service hears."""
    fault = getattr(record, "fault", None)  # what was read by ourselves says why it could not be read otherwise
    said = attributes_of(record.headers, record.value)
    type_ = said.type
    if fault is None and said.fault == DIFFERENT_TYPES:
        fault = said.fault  # whichever is meant may be one that is heard here
    if fault is not None or type_ is None:
        return Unreadable(fault or said.fault or "no type")
    registered = hears.get(type_)
    if registered is None:
        if type_ not in BY_TYPE and type_.rsplit(".v", 1)[0] in KNOWN_NAMES and _concerns(type_, hears):
            return Unreadable(f"{type_} is a version that this service does not know")
        return Ignored()
    if registered.topic.name != topic:
        return Unreadable(f"{type_} does not belong on {topic}")
    if said.fault is not None:
        return Unreadable(said.fault)
    try:
        event: Event = open_sealed(registered, said.data)
    except Poison as error:
        return Unreadable(str(error))
    event_id, occurred_at = said_when(said, record, topic)
    return Heard(event, event_id, occurred_at, said.traceparent, (topic, record.partition, record.offset))


def said_when(said: Attributes, record: Record, topic: str) -> tuple[str, datetime]:
    """Return an event's id and time; where it does not say them, its place on the log and the broker's time."""
    event_id = said.id or f"{topic}/{record.partition}/{record.offset}"
    return event_id, _instant(said.time, record.timestamp)


def _concerns(type_: str, hears: Mapping[str, Registered]) -> bool:
    name = type_.rsplit(".v", 1)[0]
    return any(heard.rsplit(".v", 1)[0] == name for heard in hears)


def _instant(stated: str | None, broker_ms: int) -> datetime:
    if stated:
        try:
            instant = datetime.fromisoformat(stated)
        except ValueError:
            pass
        else:
            if instant.tzinfo is not None:
                return instant
    return datetime.fromtimestamp(max(broker_ms, 0) / 1_000, UTC)
