"""Who may call us: those who have the token, for a number that is known, no faster and no more than named."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.caller.edges.sip.limits import DoorLimits
from services.caller.edges.sip.names import user_of
from services.caller.edges.sip.wire import Request

TOKEN_HEADER = "X-Rehearsal-Token"  # noqa: S105 - a header's name


@dataclass(frozen=True, slots=True)
class Door:
    """Both are asked about each INVITE and must not block. `token_accepted` gets "" where there is none."""

    token_accepted: Callable[[str], bool]
    number_known: Callable[[str], bool]
    limits: DoorLimits = field(default_factory=DoorLimits)

    def stranger(self, request: Request) -> int | None:
        """Return the status that a stranger gets; None for anybody who may knock."""
        if not self.token_accepted(request.message.headers.get_first(TOKEN_HEADER) or ""):
            return 403
        return None if self.number_known(user_of(request.message.uri)) else 404
