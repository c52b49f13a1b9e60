"""Billing's composition root: the only module that knows every other."""

from services.billing.edges.cleaner import CLEAN_EVERY_SECONDS, clean_once
from services.billing.edges.db import SqlBooks
from services.billing.edges.kafka import HEARS
from services.billing.settings import BillingSettings
from services.billing.usecases.give_up_unreadable import give_up_unreadable
from services.billing.usecases.lock_accounts import lock_accounts
from shared.db.cleaning import clean_for_ever
from shared.db.database import Database
from shared.messaging.station import Listener, open_station
from shared.process.keep_running import Component
from shared.process.service import Service

LISTENER = Listener(HEARS, SqlBooks, give_up_unreadable, lock_accounts, SqlBooks.write)


async def wire(settings: BillingSettings) -> Service:
    """Put billing together."""
    database = Database(settings.database_url, schema="billing")
    station = open_station(service="billing", settings=settings, database=database, listener=LISTENER)
    cleaner = Component(
        "cleaner",
        lambda: clean_for_ever(database, clean_once, every_seconds=CLEAN_EVERY_SECONDS),
        vital=False,
    )
    return Service("billing", (*station.components, cleaner), database.dispose, station.flush)
