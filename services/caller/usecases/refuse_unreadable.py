"""End what was claimed and cannot be read: whoever claimed it next could not read it either."""

from services.caller.domain.attempt import UNREADABLE, Claimed
from services.caller.ports import Attempts
from services.caller.usecases.saying import failed
from shared.messaging.messages import Say


async def refuse_unreadable(attempts: Attempts, claimed: Claimed) -> list[Say]:
    """Fail a claimed attempt whose stored dispatch gives no call. Idempotent by claim."""
    return [failed(one) for one in await attempts.refuse([claimed.key], UNREADABLE)]
