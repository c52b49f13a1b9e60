"""What use cases hear and say: plain values that know nothing of Kafka."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.events.event import Event

E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Heard(Generic[E]):
    """An event as it came in. `traceparent` is what the next event of the same story has to carry on."""

    event: E
    event_id: str
    occurred_at: datetime
    traceparent: str | None
    position: tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Say:
    """An event to publish with the transaction that made it true."""

    event: Event
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was given up. Only its headers can be trusted; each may be missing.

    `subject` is `ce_subject`, `type` is `ce_type`, `key` the record's key; `reason` never quotes the contents.
    """

    topic: str
    type: str | None
    subject: str | None
    reason: str
    traceparent: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Hears:
    """A row of a service's table: this event goes to this use case, a poll's worth at a time.

    `usecase(books, heard)` gets what the service opened on the transaction and a sequence of Heard[event]; it returns
    what is to be said.
    """

    event: type[Event]
    usecase: Callable[[Any, Sequence[Heard[Any]]], Awaitable[Sequence[Say]]]
