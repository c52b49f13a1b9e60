"""End what no worker will end any more."""

from services.caller.ports import Attempts
from services.caller.usecases.saying import failed
from shared.messaging.messages import Say


async def give_up_overdue(attempts: Attempts) -> list[Say]:
    """Fail attempts that waited too long or were lost in a call; the never dialled ones wait for another worker."""
    says = [failed(one) for one in await attempts.give_up_overdue()]
    attempts.ask_for_claims()
    return says
