"""The inbound leg of a call over SIP: whose it is, and whether it may be logged."""

from dataclasses import dataclass
from datetime import datetime

from services.api.domain.progress import AGENTS_SIDE


@dataclass(frozen=True, slots=True)
class RunOfLeg:
    """What of a run's row matters to its second leg, under the row's lock."""

    id: int
    org_id: int
    agent_id: int
    direction: str
    mode: str
    sip_call_id: int | None
    completed_at: datetime | None

    @property
    def agents_direction(self) -> str:
        """The leg's direction as call logs have it: seen from the agent, the same for both legs."""
        return AGENTS_SIDE[self.direction]


@dataclass(frozen=True, slots=True)
class NoSuchRun:
    """404: no run that is over SIP and goes on."""


@dataclass(frozen=True, slots=True)
class OtherLeg:
    """409: the Call-ID is another run's, or the run has another inbound leg."""


def may_log(run: RunOfLeg | None) -> NoSuchRun | OtherLeg | None:
    """Say why a leg that is not known yet cannot be logged for a run, None if it can."""
    if run is None or run.mode != "sip" or run.completed_at is not None:
        return NoSuchRun()
    return OtherLeg() if run.sip_call_id is not None else None
