"""The bodies of the two POSTs, strictly read. Source: contract, POST /v1/test-calls and /v1/test-call-batches."""

import json
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.api.domain.placeholders import unfilled_placeholders
from services.api.edges.http.models.base import Given
from shared.events.conditions import Conditions
from shared.events.fields import MAX_ID, Direction, Mode, TargetType, Text
from shared.events.requests import MAX_RUNS_OF_A_REQUEST, MAX_STAGGER_SECONDS

MAX_PROMPT_CHARS = 10_000
MAX_PROMPTS_BYTES = 256 * 1024
MAX_METADATA_BYTES = 4 * 1024
MAX_NAME_CHARS = 255
MAX_BODY_KEY_CHARS = 128
NO_CONSENT = "no_consent"
NOT_AVAILABLE = "not available on this deployment"


UNGIVEN: Any = None  # what an object is that was not given. A null is as good as that, so it is not said to be taken.
OFFERS_SIP = ContextVar("OFFERS_SIP", default=False)


def _mode(mode: str) -> str:
    if mode == "sip" and not OFFERS_SIP.get():
        raise ValueError(NOT_AVAILABLE)
    return mode


def _without_nulls(given: Any) -> Any:
    match given:
        case dict():
            return {name: _without_nulls(value) for name, value in given.items() if value is not None}
        case list():
            return [_without_nulls(value) for value in given]
    return given


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
        case list():
            return any(_holds_nul(inner) for inner in value)
    return False


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        written = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that is too large") from None
    if len(written.encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"must have at most {MAX_METADATA_BYTES} bytes as JSON")
    if _holds_nul(metadata):
        raise ValueError("must not contain the NUL character")
    return metadata


def _filled(prompt: str) -> str:
    if unfilled := unfilled_placeholders(prompt):
        raise ValueError(f"holds placeholders that were not filled: {', '.join(unfilled)}")
    return prompt


E164_OR_EMPTY = r"^(\+[1-9][0-9]{1,14})?\z"
TargetId = Annotated[int, Field(ge=1, le=MAX_ID)]
ScenarioPrompt = Annotated[Text, Field(max_length=MAX_PROMPT_CHARS), AfterValidator(_filled)]
TargetNumber = Annotated[
    str,
    Field(pattern=E164_OR_EMPTY),
    # \z is Rust's, $ is JavaScript's
    WithJsonSchema({"type": "string", "pattern": r"^(\+[1-9][0-9]{1,14})?$"}),
]


class ConsentingForm(Given):
    """What everything that may be charged for has."""

    max_cost_cents: Annotated[
        int, Field(ge=0, le=MAX_ID, description="An estimate above it is refused; without it, the funds alone decide.")
    ] = UNGIVEN
    dry_run: Annotated[
        bool, Field(description="Check everything and tell the price; nothing is stored, no key remembered.")
    ] = False
    # Read before all other fields: see `idempotency`.
    idempotency_key: Annotated[
        Any,
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_BODY_KEY_CHARS}),
        Field(description="Instead of the Idempotency-Key header."),
    ] = None
    consent_to_charge: Annotated[
        Any,
        WithJsonSchema({"type": "boolean", "const": True}),
        Field(description="Test calls are charged; only the JSON value true consents."),
    ]

    def faults(self) -> dict[str, str]:
        """Return what is wrong between fields that are each right."""
        return {}

    @model_validator(mode="before")
    @classmethod
    def _says_nothing_of_consent(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Without it is as good as without the right one, and that is said when all else is right."""
        return {**given, "consent_to_charge": given.get("consent_to_charge") or False}

    @model_validator(mode="after")
    def _consents(self) -> Self:
        if faults := self.faults():
            errors = (InitErrorDetails(type=_fault(said), loc=(name,), input=None) for name, said in faults.items())
            raise ValidationError.from_exception_data("form", list(errors))
        if self.consent_to_charge is not True:
            raise PydanticCustomError(NO_CONSENT, "must be true")
        return self


class AskingForm(ConsentingForm):
    """What both have."""

    target_type: TargetType
    target_id: TargetId
    direction: Direction
    target_number: TargetNumber = ""
    mode: Annotated[Mode, AfterValidator(_mode)] = "bot"
    scenario_prompt: ScenarioPrompt = ""
    metadata: Annotated[dict[str, Any], AfterValidator(_metadata)] = Field(default_factory=dict)
    conditions: Annotated[
        Conditions,
        BeforeValidator(_without_nulls),
        Field(description="What goes wrong on purpose, in calls with sound. It is echoed."),
    ] = UNGIVEN
    recording: Annotated[
        bool, Field(description="Whether the call is recorded; by default if it is one with sound.")
    ] = UNGIVEN

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompts that were given, in turn."""
        return (self.scenario_prompt,) if self.scenario_prompt else ()


def _fault(said: str) -> PydanticCustomError:
    return PydanticCustomError("value_error", said)


class TestCallForm(AskingForm):
    """A single run."""

    is_batch: ClassVar = False
    run_count: ClassVar = 1
    stagger_seconds: ClassVar = 0
    name: ClassVar = ""


class BatchForm(AskingForm):
    """A batch of runs."""

    is_batch: ClassVar = True

    run_count: Annotated[int, Field(ge=1, le=MAX_RUNS_OF_A_REQUEST)]
    stagger_seconds: Annotated[int, Field(ge=0, le=MAX_STAGGER_SECONDS)] = 0
    scenario_prompts: Annotated[list[ScenarioPrompt], Field(max_length=MAX_RUNS_OF_A_REQUEST)] = Field(
        default_factory=list
    )
    name: Annotated[Text, Field(max_length=MAX_NAME_CHARS)] = ""

    def faults(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.scenario_prompts and self.scenario_prompt:
            found["scenario_prompt"] = "must be empty beside a non-empty scenario_prompts"
        if sum(len(prompt.encode()) for prompt in self.scenario_prompts) > MAX_PROMPTS_BYTES:
            found["scenario_prompts"] = f"must have at most {MAX_PROMPTS_BYTES} bytes of UTF-8 in all"
        return found

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self.scenario_prompts) or super().prompts


class RetryForm(ConsentingForm):
    """The failed runs of a batch, once more."""

    name: Annotated[Text, Field(max_length=MAX_NAME_CHARS, description="The parent's, if it is left out.")] = UNGIVEN
