"""How much of a process's room a call takes: one with sound keeps it busy fifty times a second, one in text hardly."""

from dataclasses import dataclass

from services.caller.domain.limits import TEXT_CALL_WEIGHT
from shared.events.admissions import TestCallDispatched


def has_sound(dispatch: TestCallDispatched) -> bool:
    """Say whether the call has sound."""
    return dispatch.mode == "sip" or dispatch.target.connection.kind in ("websocket", "realtime")


@dataclass(frozen=True, slots=True)
class Weighing:
    """`heaviest`: what a call with sound weighs here; as much as one in text where there is no sound."""

    heaviest: int = TEXT_CALL_WEIGHT

    def __call__(self, dispatch: TestCallDispatched | str) -> int:
        """Return what a call weighs; one that is not read yet as much as any."""
        return self.heaviest if isinstance(dispatch, str) or has_sound(dispatch) else TEXT_CALL_WEIGHT
