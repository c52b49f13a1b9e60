"""What the caller hears and says: two tables."""

from services.caller.usecases.accept_dispatches import accept_dispatches
from services.caller.usecases.cancel_calls import cancel_calls
from shared.events.admissions import CancelPassedOn, TestCallDispatched
from shared.events.executions import (
    CallerRoomAnnounced,
    CallStarted,
    RecordingSettled,
    TestCallCompleted,
    TestCallFailed,
    TestCallReturned,
)
from shared.messaging.messages import Hears

HEARS = (
    Hears(TestCallDispatched, accept_dispatches),
    Hears(CancelPassedOn, cancel_calls),
)

SAYS = (CallStarted, TestCallCompleted, TestCallFailed, TestCallReturned, CallerRoomAnnounced, RecordingSettled)
