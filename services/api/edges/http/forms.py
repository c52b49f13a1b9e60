"""The bodies of the two POSTs, strictly read. Source: contract, POST /v1/test-calls and /v1/test-call-batches."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.api.domain.placeholders import unfilled_placeholders
from shared.events.fields import MAX_ID, Text
from shared.events.requests import MAX_RUNS_OF_A_REQUEST, MAX_STAGGER_SECONDS

MAX_PROMPT_CHARS = 10_000
MAX_PROMPTS_BYTES = 256 * 1024
MAX_METADATA_BYTES = 4 * 1024
MAX_NAME_CHARS = 255
NOT_AVAILABLE = "not available on this deployment"


def _mode(mode: str) -> str:
    if mode == "sip":
        raise ValueError(NOT_AVAILABLE)
    return mode


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


Integer = Annotated[int, Field(strict=True)]
TargetId = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
ScenarioPrompt = Annotated[Text, Field(max_length=MAX_PROMPT_CHARS), AfterValidator(_filled)]
TargetNumber = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{1,14})?\z")]
Mode = Annotated[Literal["bot", "sip"], AfterValidator(_mode)]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]


class AskingForm(BaseModel):
    """What both have."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    target_type: Literal["agent", "phone_number"]
    target_id: TargetId
    direction: Literal["outbound", "inbound"]
    target_number: TargetNumber = ""
    mode: Mode = "bot"
    scenario_prompt: ScenarioPrompt = ""
    metadata: Metadata = Field(default_factory=dict)

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompts that were given, in turn."""
        return (self.scenario_prompt,) if self.scenario_prompt else ()

    def faults(self) -> dict[str, list[str]]:
        """Return what is wrong between fields that are each right."""
        return {}


class TestCallForm(AskingForm):
    """A single run."""


class BatchForm(AskingForm):
    """A batch of runs."""

    run_count: Annotated[int, Field(strict=True, ge=1, le=MAX_RUNS_OF_A_REQUEST)]
    stagger_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_STAGGER_SECONDS)] = 0
    scenario_prompts: Annotated[list[ScenarioPrompt], Field(max_length=MAX_RUNS_OF_A_REQUEST)] = Field(
        default_factory=list
    )
    name: Annotated[Text, Field(max_length=MAX_NAME_CHARS)] = ""

    def faults(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        if self.scenario_prompts and self.scenario_prompt:
            found["scenario_prompt"] = ["Must be empty beside a non-empty scenario_prompts."]
        if sum(len(prompt.encode()) for prompt in self.scenario_prompts) > MAX_PROMPTS_BYTES:
            found["scenario_prompts"] = [f"Must have at most {MAX_PROMPTS_BYTES} bytes of UTF-8 in all."]
        return found

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self.scenario_prompts) or super().prompts
