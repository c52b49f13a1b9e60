"""Billing's composition root: the only module that knows every other."""

from services.billing.edges.db import SqlBooks
from services.billing.edges.kafka import HEARS
from services.billing.settings import BillingSettings
from services.billing.usecases.give_up_unreadable import give_up_unreadable
from services.billing.usecases.lock_accounts import lock_accounts
from shared.db.database import Database
from shared.messaging.station import open_station
from shared.process.service import Service


async def wire(settings: BillingSettings) -> Service:
    """Put billing together."""
    database = Database(settings.database_url, schema="billing")
    station = open_station(
        service="billing",
        settings=settings,
        database=database,
        hears=HEARS,
        open_books=SqlBooks,
        on_dead_letters=give_up_unreadable,
        lock_first=lock_accounts,
    )
    return Service("billing", station.components, database.dispose, station.flush)
