"""Topic `test-call-requests`: what the API accepted."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.events.conditions import Conditions
from shared.events.connection import Connection, SipUri
from shared.events.event import Event, Part
from shared.events.fields import (
    E164,
    Direction,
    Id,
    Instant,
    Mode,
    Name,
    Prompt,
    TargetType,
)

MAX_RUNS_OF_A_REQUEST = 20
MAX_STAGGER_SECONDS = 60
MAX_HELD_MINUTES = 1_440


class RequestedRun(Part):
    run_id: Id
    prompt_index: Annotated[int, Field(strict=True, ge=0, lt=MAX_RUNS_OF_A_REQUEST)]


class Target(Part):
    """The agent under test and the two numbers of the call, as they were when the request was accepted.

    `sip_uri` is the number's own, where it has one and the call goes to the number: it comes before the connection's.
    """

    target_type: TargetType
    target_id: Id
    agent_id: Id
    agent_name: Name
    agent_number: E164
    bot_number: E164
    product: Name
    voice: Name
    connection: Connection
    sip_uri: SipUri | None = None


class Price(Part):
    """Fixed when the run is accepted. A run's estimate = held_minutes × tariff × multiplier."""

    tariff_cents_per_minute: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
    charge_multiplier: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    held_minutes: Annotated[int, Field(strict=True, ge=1, le=MAX_HELD_MINUTES)]

    @property
    def estimated_cost_cents(self) -> int:
        return self.held_minutes * self.tariff_cents_per_minute * self.charge_multiplier


class TestCallRequested(Event):
    """One accepted request, a single run or a whole batch, with all that later steps need; each prompt once."""

    request_id: Id
    org_id: Id
    batch_id: Id | None
    runs: Annotated[tuple[RequestedRun, ...], Field(min_length=1, max_length=MAX_RUNS_OF_A_REQUEST)]
    prompts: Annotated[tuple[Prompt, ...], Field(min_length=1, max_length=MAX_RUNS_OF_A_REQUEST)]
    direction: Direction
    mode: Mode
    target: Target
    price: Price
    stagger_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_STAGGER_SECONDS)]
    requested_at: Instant
    conditions: Conditions | None = None
    recording: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "TestCallRequested":
        """Refuse what every consumer would stumble over later, each in its own way and beside its neighbours."""
        if any(run.prompt_index >= len(self.prompts) for run in self.runs):
            raise PydanticCustomError("prompt_index_past_prompts", "a prompt_index points past the prompts")
        if len({run.run_id for run in self.runs}) < len(self.runs):
            raise PydanticCustomError("run_id_twice", "two runs have one id")
        if self.batch_id is None and len(self.runs) > 1:
            raise PydanticCustomError("runs_without_batch", "several runs need a batch_id")
        return self


class CancelRequested(Event):
    """The customer wants a run to end. Whoever owns it ends it, if it has not ended by then."""

    run_id: Id
    org_id: Id
    request_id: Id
    batch_id: Id | None
    requested_at: Instant
