"""What use cases hear and say: plain values that know nothing of Kafka."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from shared.events.event import Event

E = TypeVar("E", bound=Event, covariant=True)
F = TypeVar("F", bound=Event)
K = TypeVar("K", bound=Hashable)


class Heard(NamedTuple, Generic[E]):
    """An event as it came in. `traceparent` is what the next event of the same story has to carry on."""

    event: E
    event_id: str
    occurred_at: datetime
    traceparent: str | None
    position: tuple[str, int, int]


def newest(heard: Iterable[Heard[F]], thing: Callable[[F], K]) -> dict[K, Heard[F]]:
    """Return the fact about each thing that was said last, whatever the order; of two at one time the greater id's."""
    last: dict[K, Heard[F]] = {}
    for one in sorted(heard, key=lambda one: (one.occurred_at, one.event_id)):
        last[thing(one.event)] = one
    return last


@dataclass(frozen=True, slots=True)
class Say:
    """An event to publish with the transaction that made it true."""

    event: Event
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was given up. Only its headers can be trusted; each may be missing.

    `event_id` and `occurred_at` are as if it were heard: its id and time, or its place and the broker's time.
    `subject` is `ce_subject`, `type` is `ce_type`, `key` the record's key; `reason` never quotes the contents.
    """

    topic: str
    type: str | None
    subject: str | None
    reason: str
    traceparent: str | None
    event_id: str
    occurred_at: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Hears:
    """A row of a service's table: this event goes to this use case, a poll's worth at a time.

    `usecase(books, heard)` gets what the service opened on the transaction and a sequence of Heard[event]; it returns
    what is to be said. `only` tells, by the event alone, whether it can have an effect: if not, it is for others.
    """

    event: type[Event]
    usecase: Callable[[Any, Sequence[Heard[Any]]], Awaitable[Sequence[Say]]]
    only: Callable[[Any], bool] | None = None
