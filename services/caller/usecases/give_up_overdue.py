"""End what no worker will end any more, and give back what none had room for."""

from services.caller.domain.attempt import Returned
from services.caller.ports import Attempts
from services.caller.usecases.saying import failed, returned
from shared.messaging.messages import Say


async def give_up_overdue(attempts: Attempts) -> list[Say]:
    """Return what waited too long, fail what was lost in the hands of a worker."""
    overdue = await attempts.give_up_overdue()
    return [returned(one) if isinstance(one, Returned) else failed(one) for one in overdue]
