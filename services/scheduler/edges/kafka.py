"""What the scheduler hears and says: two tables."""

from services.scheduler.usecases.answer_funds import end_declined, queue_funded
from services.scheduler.usecases.cancel_runs import cancel_runs
from services.scheduler.usecases.enqueue_runs import enqueue_runs
from services.scheduler.usecases.free_slot import free_slots
from services.scheduler.usecases.note_room import note_room
from services.scheduler.usecases.note_start import note_starts
from services.scheduler.usecases.take_back import take_back
from services.scheduler.usecases.update_limits import update_limits
from shared.events.admissions import CancelPassedOn, TestCallDispatched, TestCallExpired
from shared.events.billing import FundsDeclined, FundsReserved
from shared.events.directory import OrgUpserted
from shared.events.executions import (
    CallerRoomAnnounced,
    CallStarted,
    TestCallCompleted,
    TestCallFailed,
    TestCallReturned,
)
from shared.events.requests import CancelRequested, TestCallRequested
from shared.messaging.messages import Hears

HEARS = (
    Hears(OrgUpserted, update_limits),
    Hears(TestCallRequested, enqueue_runs),
    Hears(CancelRequested, cancel_runs),
    Hears(FundsReserved, queue_funded),
    Hears(FundsDeclined, end_declined),
    Hears(CallStarted, note_starts, only=lambda start: start.batch_id is not None),
    Hears(TestCallCompleted, free_slots),
    Hears(TestCallFailed, free_slots),
    Hears(TestCallReturned, take_back),
    Hears(CallerRoomAnnounced, note_room),
)

SAYS = (TestCallDispatched, TestCallExpired, CancelPassedOn)
