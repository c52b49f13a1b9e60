"""Field types that several events share, with their limits."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer

MAX_ID = 2**53 - 1  # ids stay exact in JavaScript clients
MAX_CENTS = 10**13
MAX_NAME_CHARS = 255
MAX_PROMPT_CHARS = 10_000
MAX_NUMBER_CHARS = 16
MAX_INTEGER = 2**31 - 1  # PostgreSQL's integer: durations and minutes are stored as such
FIRST_YEAR, LAST_YEAR = 1970, 9998  # an instant at the calendar's edge has no UTC, or no sum with an interval


def _without_nul(value: str) -> str:
    """PostgreSQL's text cannot hold U+0000, and UTF-8 cannot hold half of a surrogate pair."""
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return value


def timestamp(instant: datetime) -> str:
    """Write an instant as the REST contract does: ISO 8601, UTC, milliseconds, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("must name its offset from UTC")
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years from {FIRST_YEAR} to {LAST_YEAR}")
    return instant


Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
Cents = Annotated[int, Field(strict=True, ge=0, le=MAX_CENTS)]
PositiveCents = Annotated[int, Field(strict=True, ge=1, le=MAX_CENTS)]
SignedCents = Annotated[int, Field(strict=True, ge=-MAX_CENTS, le=MAX_CENTS)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
Text = Annotated[str, AfterValidator(_without_nul)]
Name = Annotated[Text, Field(max_length=MAX_NAME_CHARS)]
Prompt = Annotated[Text, Field(max_length=MAX_PROMPT_CHARS)]
E164 = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{1,14}\z", max_length=MAX_NUMBER_CHARS)]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
# Microseconds stay in events: stagger is computed from them. Only REST cuts to milliseconds.
Instant = Annotated[
    datetime, AfterValidator(_aware), PlainSerializer(lambda at: at.astimezone(UTC).isoformat(), return_type=str)
]

Direction = Literal["outbound", "inbound"]
Mode = Literal["bot", "sip"]
TargetType = Literal["agent", "phone_number"]
EndReason = Literal["caller_hangup", "agent_end", "transfer", "timeout", "error"]
