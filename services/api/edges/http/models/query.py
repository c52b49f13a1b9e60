"""Query strings: what every list takes, and types that read a value strictly or say what is wrong with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from services.api.edges.http.models.base import Given
from shared.events.fields import MAX_ID

MAX_VALUE_CHARS = 300
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_OFFSET = 10_000


@dataclass(frozen=True)
class Between:
    """An integer in ASCII digits between two bounds, both allowed."""

    low: int
    high: int

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self.read, core_schema.int_schema(ge=self.low, le=self.high)
        )

    def read(self, value: str | int) -> int:
        digits = str(value).removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("must be an integer")
        if len(digits) > 16 or not self.low <= int(value) <= self.high:
            raise ValueError(f"must be between {self.low} and {self.high}")
        return int(value)


def _text(value: str) -> str:
    if not value or "\x00" in value or len(value) > MAX_VALUE_CHARS:
        raise ValueError(f"must be a text of 1 to {MAX_VALUE_CHARS} characters")
    return value


def _number(value: str) -> str:
    """Read a phone number. A `+` that the client did not escape arrives as a space."""
    return _text("+" + value[1:] if value.startswith(" ") else value)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _from_instant(value: str) -> datetime:
    return _instant(value)[0]


def _until_instant(value: str) -> datetime:
    """A date is its whole day, a timestamp is included with the microseconds that answers cut."""
    at, is_date = _instant(value)
    return at + (timedelta(days=1) - timedelta(microseconds=1) if is_date else timedelta(microseconds=999))


def _instant(value: str) -> tuple[datetime, bool]:
    is_date = len(value) == len("2026-01-31")
    try:
        # A `+` of an offset that the client did not escape arrives as a space.
        at = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        at + timedelta(days=1)  # room for the end of the day
    except (ValueError, OverflowError):
        raise ValueError("must be a date (2026-01-31) or an ISO 8601 timestamp") from None
    return at, is_date


def _shallow(offset: int) -> int:
    """Rows are walked to get to an offset: deeper ones have a cursor."""
    if offset > MAX_OFFSET:
        raise ValueError(f'must be at most {MAX_OFFSET}. Deeper rows are reached by the cursor of Link: rel="next"')
    return offset


ABSENT: Any = None  # what a filter is that was not given. No query has a null, so no filter is said to take one.
IdFilter = Annotated[int, Between(1, MAX_ID)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_VALUE_CHARS), BeforeValidator(_text)]
Number = Annotated[str, BeforeValidator(_number)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
FromInstant = Annotated[datetime, BeforeValidator(_from_instant), WithJsonSchema({"type": "string"})]
UntilInstant = Annotated[datetime, BeforeValidator(_until_instant), WithJsonSchema({"type": "string"})]
Offset = Annotated[
    int,
    Between(0, MAX_ID),
    AfterValidator(_shallow),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}),
]


class PageQuery(Given):
    """Which page of a list; its filters are the fields that are added. `key_types` are those of its cursors' keys."""

    key_types: ClassVar[tuple[type, ...]] = (int,)

    limit: Annotated[int, Between(1, MAX_LIMIT)] = DEFAULT_LIMIT
    offset: Offset = 0
    cursor: Annotated[
        Text, Field(description="of a `Link` of the same list with the same filters; not together with an offset")
    ] = ABSENT

    @property
    def filters(self) -> dict[str, Any]:
        """The filters, None for those that were not given."""
        return self.model_dump(exclude=OF_PAGE)


OF_PAGE = set(PageQuery.model_fields)
