"""A request for test calls, well formed and not decided yet; and how it may be answered."""

from dataclasses import dataclass
from typing import Any, Literal

from services.api.domain.admission import Refused
from services.api.domain.reach import Unreachable
from services.api.domain.views import BatchView, PriceView, RunView


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The client's key, and the SHA-256 of what must be the same when it comes again.

    Releases before kept a key with its quotes (`spelling`) and compared bodies to the letter (`verbatim`): what they
    have answered is found and recognised as long as keys live.
    """

    key: str
    fingerprint: bytes
    spelling: str
    verbatim: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One POST. `prompts` are those that were given: none, one for all runs, or several in turn.

    `recording` is None where it was left to us: what is spoken is recorded, what is text is not.
    """

    org_id: int
    target_type: Literal["agent", "phone_number"]
    target_id: int
    direction: Literal["outbound", "inbound"]
    target_number: str
    prompts: tuple[str, ...]
    run_count: int
    is_batch: bool
    name: str
    stagger_seconds: int
    metadata: dict[str, Any]
    idempotency: IdempotencyKey | None
    traceparent: str | None
    mode: Literal["bot", "sip"] = "bot"
    conditions: dict[str, Any] | None = None
    recording: bool | None = None
    max_cost_cents: int | None = None
    parent_batch_id: int | None = None  # whose failed runs these are
    is_dry: bool = False  # everything is checked, and nothing kept

    def prompt_of(self, nth: int) -> str:
        """Return the prompt of the n-th run."""
        return self.prompts[nth % len(self.prompts)] if self.prompts else ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """201, with the run or the batch."""

    view: RunView | BatchView


@dataclass(frozen=True, slots=True)
class Priced:
    """200: a dry run would have been accepted, at this price."""

    view: PriceView


@dataclass(frozen=True, slots=True)
class Replayed:
    """The first answer again, byte for byte."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class KeyMismatch:
    """422: the key was used for another request."""


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """409: the first request with this key is still running."""


Answer = Accepted | Priced | Replayed | KeyMismatch | KeyInUse | Refused | Unreachable
