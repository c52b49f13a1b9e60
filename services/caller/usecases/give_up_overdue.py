"""End what no worker will end any more, and give back what none had room for."""

from services.caller.domain.attempt import Returned
from services.caller.ports import Attempts
from services.caller.usecases.saying import failed, returned
from shared.messaging.messages import Say


async def give_up_overdue(attempts: Attempts) -> list[Say]:
    """Return what waited too long, fail what was lost in a call; the never dialled ones wait for another worker."""
    overdue = await attempts.give_up_overdue()
    attempts.ask_for_claims()
    return [returned(one) if isinstance(one, Returned) else failed(one) for one in overdue]
