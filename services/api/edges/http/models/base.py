"""What all models of the contract share: `null` as omitted on the way in, rows as they are on the way out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from shared.events.fields import MAX_ID, timestamp

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Cents = Annotated[int, Field(description="US cents")]
Instant = Annotated[
    datetime,
    PlainSerializer(timestamp, return_type=str),
    Field(description="ISO 8601, UTC, milliseconds", examples=["2026-01-31T12:00:00.000Z"]),
]


class Given(BaseModel):
    """What a client sends, strictly read. A null stands for what was omitted; what is not known here is ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _omits_nulls(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value is not None}


class Answer(BaseModel):
    """What the API answers: just these keys, in this order. Columns and views have the names of the fields.

    `stored` are fields whose columns are JSON already: rows bring them as text, and as that they go out.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True, json_schema_serialization_defaults_required=True)
    stored: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def written(cls, row: Mapping[str, Any]) -> bytes:
        """Write a row. What is stored as JSON is never parsed: a page may hold a megabyte of transcripts."""
        fields = dict(row)
        stored = "".join(f',"{name}":{fields.pop(name)}' for name in cls.stored)
        plain = cls.__pydantic_serializer__.to_json(cls.model_validate(fields), exclude=set(cls.stored))
        return plain[:-1] + stored.encode() + b"}"


One = TypeVar("One", bound=Answer)


class Wrapped(Answer, Generic[One]):
    """A page of a list that is no bare array."""

    results: list[One]
    total: int
    limit: int
    offset: int
