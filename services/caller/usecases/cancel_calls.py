"""Cancel runs that are ours: what waits fails at once, what is up is hung up by whoever holds it, and fails then."""

from collections.abc import Sequence

from services.caller.ports import Arrivals
from services.caller.usecases.saying import failed
from shared.events.admissions import CancelPassedOn
from shared.messaging.messages import Heard, Say


async def cancel_calls(arrivals: Arrivals, heard: Sequence[Heard[CancelPassedOn]]) -> list[Say]:
    """Say TestCallFailed of what was waiting. What has ended, or was given back, stays as it is. Idempotent by run."""
    return [failed(one) for one in await arrivals.cancel({one.event.run_id for one in heard})]
