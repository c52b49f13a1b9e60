"""The scheduler's composition root: the only module that knows every other."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.scheduler.edges.cleaner import CLEAN_EVERY_SECONDS, clean_once
from services.scheduler.edges.db import SqlQueue, Wake
from services.scheduler.edges.gauges import measure_for_ever
from services.scheduler.edges.kafka import HEARS
from services.scheduler.edges.ticker import Ticker
from services.scheduler.settings import SchedulerSettings
from services.scheduler.usecases.give_slots import conclude
from services.scheduler.usecases.give_up_unreadable import give_up_unreadable
from services.scheduler.usecases.lock_orgs import lock_orgs
from shared.db.cleaning import clean_for_ever
from shared.db.database import Database
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.station import Listener, open_station
from shared.process.keep_running import Component
from shared.process.service import Service


async def _on_dead_letters(queue: SqlQueue, letters: Sequence[DeadLetter]) -> Sequence[Say]:
    return await give_up_unreadable(queue, letters, now=datetime.now(UTC))


def listener(wake: Wake) -> Listener:
    """Return what the scheduler does with what it hears. `wake` lets its ticker look in so many seconds."""
    return Listener(HEARS, lambda transaction: SqlQueue(transaction, wake=wake), _on_dead_letters, lock_orgs, conclude)


async def wire(settings: SchedulerSettings) -> Service:
    """Put the scheduler together."""
    database = Database(settings.database_url, schema="scheduler")
    ticker = Ticker(database)
    station = open_station(service="scheduler", settings=settings, database=database, listener=listener(ticker.wake_in))
    components = (
        *station.components,
        Component("ticker", lambda: ticker.run(station.outbox)),
        Component("gauges", lambda: measure_for_ever(database), vital=False),
        Component(
            "cleaner",
            lambda: clean_for_ever(database, clean_once, every_seconds=CLEAN_EVERY_SECONDS),
            vital=False,
        ),
    )
    return Service("scheduler", components, database.dispose, station.flush)
