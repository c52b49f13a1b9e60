"""What is made to go wrong on purpose in a call, each thing bounded. The same seed gives the same packets' fate."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from shared.events.event import Part
from shared.events.fields import MAX_INTEGER

MAX_LOSS_PERCENT = 50.0
MAX_BURST_PACKETS = 50
MAX_JITTER_MS = 500
MAX_DELAY_MS = 2_000
MIN_SNR_DB, MAX_SNR_DB = -10.0, 60.0
MAX_LATE_SECONDS = 60
MAX_DIGITS = 32
MAX_DTMF = 10
MAX_TURN = 500
MAX_SILENCE_MS = 120_000
MAX_FROM_MS = 3_600_000
MIN_TALKED_OVER_MS, MAX_TALKED_OVER_MS = 100, 30_000
MAX_INTERRUPTIONS = 20

Percent = Annotated[float, Field(strict=True, ge=0, le=MAX_LOSS_PERCENT, allow_inf_nan=False)]
Decibels = Annotated[float, Field(strict=True, ge=MIN_SNR_DB, le=MAX_SNR_DB, allow_inf_nan=False)]
Digits = Annotated[
    str,
    Field(pattern=r"^[0-9A-D*#]+\z", max_length=MAX_DIGITS),
    # \z is Rust's, $ is JavaScript's
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-D*#]+$", "maxLength": MAX_DIGITS}),
]
TurnNo = Annotated[int, Field(strict=True, ge=0, le=MAX_TURN)]


class SipAnswer(Part):
    """What our side answers an INVITE with, so many seconds after it: busy, out of service, or a late yes."""

    answer: Literal["486", "503", "late_200"]
    after_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_LATE_SECONDS)] = 0


class Noise(Part):
    """Noise behind what the bot says, at a signal-to-noise ratio."""

    kind: Literal["white", "pink", "babble"] = "white"
    snr_db: Decibels


class Dtmf(Part):
    """Digits that the bot sends when the agent's n-th turn is over, 0: once the call is answered."""

    digits: Digits
    after_turn: TurnNo = 0


class SilenceKept(Part):
    """A time in which the bot says nothing, whatever it hears. Milliseconds from the answer."""

    from_ms: Annotated[int, Field(strict=True, ge=0, le=MAX_FROM_MS)] = 0
    for_ms: Annotated[int, Field(strict=True, ge=1, le=MAX_SILENCE_MS)]


class Interrupt(Part):
    """The bot talks over the agent, so often at most, when the agent has talked for so long."""

    after_ms: Annotated[int, Field(strict=True, ge=MIN_TALKED_OVER_MS, le=MAX_TALKED_OVER_MS)]
    times: Annotated[int, Field(strict=True, ge=1, le=MAX_INTERRUPTIONS)] = 1


class Conditions(Part):
    """What a run asked for. RTP: loss (its mean, and the mean length of a burst), jitter and delay, each way."""

    seed: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)] = 0
    loss_percent: Percent = 0.0
    loss_burst_packets: Annotated[int, Field(strict=True, ge=1, le=MAX_BURST_PACKETS)] = 1
    jitter_ms: Annotated[int, Field(strict=True, ge=0, le=MAX_JITTER_MS)] = 0
    delay_ms: Annotated[int, Field(strict=True, ge=0, le=MAX_DELAY_MS)] = 0
    one_way: Literal["to_agent", "from_agent"] | None = None
    sip_answer: SipAnswer | None = None
    noise: Noise | None = None
    dtmf: Annotated[tuple[Dtmf, ...], Field(strict=False, max_length=MAX_DTMF)] = ()
    silence: SilenceKept | None = None
    interrupt: Interrupt | None = None
