"""An attempt at a run, as a worker has it; and how it can end."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from services.caller.domain.conversation import Conversation
from services.caller.domain.sound import Kept, Sound

EXPIRED = "The call could not be started in time"
LOST = "The caller was lost during the call"
SHUT_DOWN = "The caller was shut down during the call"
CANCELED = "Canceled"
INTERNAL = "The call failed on our side"
UNREADABLE = "The dispatch could not be read"
NO_SIP = "Calls over SIP are not available on this deployment"
NO_SOUND = "Calls with sound are not available on this deployment"


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt under this worker's lease, `dialling`: it may be dialled for so many seconds."""

    run_id: int
    call_id: int
    token: UUID
    traceparent: str | None
    starts_within_seconds: float

    @property
    def key(self) -> tuple[int, UUID]:
        """This claim of the run: a worker may hold an earlier one of the same run that has run out."""
        return self.run_id, self.token


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended. `answered_at` is None if it never was, `failure` is empty if it is charged.

    `answered_at` is when the first contact was over, on the event loop's clock: the start, as far as it is known here.
    `sound` is no more than a recording, if that, of a call in text.
    """

    answered_at: float | None
    conversation: Conversation
    failure: str
    sound: Sound | Kept | None = None

    @property
    def completed(self) -> bool:
        """Say whether it is a call that was held to its end."""
        return self.answered_at is not None and not self.failure


class NoEnd(Enum):
    """Why a worker has no end to tell of."""

    NOT_DIALLED = auto()  # put back for another
    NOT_MINE = auto()  # another has it, or has ended it


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that fails without an attempt, and why."""

    run_id: int
    reason: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Returned:
    """A dispatch that no worker had room for: never dialled, and the scheduler's again."""

    run_id: int
    org_id: int
    batch_id: int | None
    dispatch_no: int
    returned_at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An attempt that ended without a worker. `talked_ms`: how far its call was at the last renewal."""

    run_id: int
    org_id: int | None
    batch_id: int | None
    call_id: int | None
    started_at: datetime | None
    talked_ms: int | None
    ended_at: datetime
    reason: str
    traceparent: str | None
