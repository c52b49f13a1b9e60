"""Field types that several events share, with their limits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

MAX_ID = 2**53 - 1  # ids stay exact in JavaScript clients
MAX_CENTS = 10**13
MAX_NAME_CHARS = 255
MAX_PROMPT_CHARS = 10_000
MAX_NUMBER_CHARS = 16
MAX_INTEGER = 2**31 - 1  # PostgreSQL's integer: durations and minutes are stored as such
# An instant at the calendar's edge has no UTC, or no sum with an interval.
FIRST_INSTANT, LAST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999_999, UTC)
HOLDS_NUL = "must not contain the NUL character"
NO_NUL = r"^[^\x00]*\z"


def _without_nul(value: str) -> str:
    """PostgreSQL's text cannot hold U+0000, and UTF-8 cannot hold half of a surrogate pair."""
    if "\x00" in value:
        raise ValueError(HOLDS_NUL)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return value


def told(error: str, context: Mapping[str, Any]) -> str | None:
    """Return our own sentence for one of the library's errors (its type and context), None if that says it itself."""
    if error == "timezone_aware":
        return "must name its offset from UTC"
    if error in ("greater_than_equal", "less_than_equal") and not isinstance(context.get("ge", context.get("le")), int):
        return f"must lie in the years from {FIRST_INSTANT.year} to {LAST_INSTANT.year}"
    return HOLDS_NUL if error == "string_pattern_mismatch" and context.get("pattern") == NO_NUL else None


def timestamp(instant: datetime) -> str:
    """Write an instant as the REST contract does: ISO 8601, UTC, milliseconds, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
Cents = Annotated[int, Field(strict=True, ge=0, le=MAX_CENTS)]
PositiveCents = Annotated[int, Field(strict=True, ge=1, le=MAX_CENTS)]
SignedCents = Annotated[int, Field(strict=True, ge=-MAX_CENTS, le=MAX_CENTS)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
Text = Annotated[str, AfterValidator(_without_nul)]
# The same of what is short as a rule: the library's own pattern costs less than calling us, up to some 300 characters.
ShortText = Annotated[str, Field(pattern=NO_NUL)]
Name = Annotated[ShortText, Field(max_length=MAX_NAME_CHARS)]
Prompt = Annotated[Text, Field(max_length=MAX_PROMPT_CHARS)]
E164 = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{1,14}\z", max_length=MAX_NUMBER_CHARS)]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
# Microseconds stay in events: stagger is computed from them. Only REST cuts to milliseconds.
Instant = Annotated[AwareDatetime, Field(ge=FIRST_INSTANT, le=LAST_INSTANT)]

Direction = Literal["outbound", "inbound"]
Mode = Literal["bot", "sip"]
TargetType = Literal["agent", "phone_number"]
EndReason = Literal["caller_hangup", "agent_end", "transfer", "timeout", "error"]
