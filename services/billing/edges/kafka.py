"""What billing hears and says: two tables."""

from services.billing.usecases.record_payment import record_payments
from services.billing.usecases.release_reservation import release_ended
from services.billing.usecases.reserve_funds import reserve_funds
from services.billing.usecases.settle_charge import settle_charges
from shared.events.admissions import TestCallExpired
from shared.events.billing import BalanceChanged, ChargeSettled, FundsDeclined, FundsReserved, ReservationReleased
from shared.events.executions import TestCallCompleted, TestCallFailed
from shared.events.payments import FundsAdjusted, FundsDeposited
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Hears

HEARS = (
    Hears(FundsDeposited, record_payments),
    Hears(FundsAdjusted, record_payments),
    Hears(TestCallRequested, reserve_funds),
    Hears(TestCallExpired, release_ended),
    Hears(TestCallCompleted, settle_charges),
    Hears(TestCallFailed, release_ended),
)

SAYS = (FundsReserved, FundsDeclined, ChargeSettled, ReservationReleased, BalanceChanged)
