"""What is made to go wrong on purpose on a call's line, the same for the same seed."""

from dataclasses import dataclass
from typing import Literal

OneWay = Literal["to_agent", "from_agent"]
NoiseKind = Literal["white", "pink", "babble"]


@dataclass(frozen=True, slots=True)
class Impairments:
    """Loss, jitter and delay are of each direction. `burst_packets`: the mean length of a loss; 1: each by itself.

    `jitter_ms` is what RFC 3550 measures then (6.4.1); packets may overtake each other. `delay_ms` comes on top.
    `one_way`: the direction that is left, so that with `to_agent` the agent hears the bot and is not heard.
    `noise_snr_db`: noise behind what the bot says, so much below the level of its speech; None: none.
    """

    seed: int = 0
    loss_percent: float = 0.0
    burst_packets: float = 1.0
    jitter_ms: float = 0.0
    delay_ms: float = 0.0
    one_way: OneWay | None = None
    noise_snr_db: float | None = None
    noise_kind: NoiseKind = "white"
