"""The base of every event: an immutable, strictly read fact in the past tense."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A piece of an event. Unknown keys are ignored, so that producers may add fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Event(Part):
    """A fact that happened. Its name, version, topic and key stand in the register."""
