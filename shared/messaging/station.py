"""Everything that a service needs to hear and say, put together once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.db.database import Database
from shared.db.transaction import Transaction
from shared.messaging.applying import Applier, Books, Conclude, LockFirst, OnDeadLetters
from shared.messaging.consumer import Consumer
from shared.messaging.messages import Hears
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.process.keep_running import Component
from shared.settings.service import ServiceSettings


@dataclass(frozen=True, slots=True)
class Listener:
    """What a service does with what it hears. It stands in its wiring alone, and tests take it from there.

    `lock_first` has no default: whoever needs none says so. `conclude` follows the use cases of a poll, in its
    transaction. `gather_seconds` is for how long the broker holds back what there is, so that a poll brings more of it;
    0: not at all.
    """

    hears: Sequence[Hears]
    open_books: Callable[[Transaction], Books]
    on_dead_letters: OnDeadLetters
    lock_first: LockFirst | None
    conclude: Conclude | None = None
    gather_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Station:
    """One service's messaging.

    `outbox` is for writes outside the consumer, `components` are to be kept running, `flush` is awaited before the
    process ends: what it committed should not wait for the next leader to be published.
    """

    outbox: Outbox
    components: tuple[Component, ...]
    flush: Callable[[], Awaitable[None]]


def open_station(
    *,
    service: str,
    settings: ServiceSettings,
    database: Database,
    listener: Listener,
) -> Station:
    """Wire relay, outbox and consumer. The consumer group is `rehearsal-<service>` behind the topic prefix."""
    relay = Relay(
        database_url=settings.database_url,
        schema=database.schema,
        bootstrap=settings.kafka_bootstrap,
        topic_prefix=settings.kafka_topic_prefix,
        service=service,
    )
    outbox = Outbox(relay)
    consumer = Consumer(
        service=service,
        bootstrap=settings.kafka_bootstrap,
        group=f"{settings.kafka_topic_prefix}rehearsal-{service}",
        topic_prefix=settings.kafka_topic_prefix,
        database=database,
        applier=Applier(
            service=service,
            database=database,
            outbox=outbox,
            hears=listener.hears,
            open_books=listener.open_books,
            on_dead_letters=listener.on_dead_letters,
            lock_first=listener.lock_first,
            conclude=listener.conclude,
            topic_prefix=settings.kafka_topic_prefix,
        ),
        gather_seconds=listener.gather_seconds,
    )
    return Station(
        outbox,
        (
            Component("relay", relay.run, relay.ready, complaints=relay.complaints),
            Component("consumer", consumer.run, consumer.ready, complaints=consumer.complaints),
        ),
        relay.flush,
    )
