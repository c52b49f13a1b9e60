"""What a run asked to go wrong on purpose: on its packets, behind what the bot says, in how the bot behaves."""

from typing import Any

from services.caller.domain.impairments import Impairments
from services.caller.domain.media import MediaLeg
from services.caller.domain.voice.phone import Conduct
from services.caller.edges.media.noise import Background
from shared.events.conditions import Conditions


def impairments_of(conditions: Conditions | None) -> Impairments | None:
    """Return what is done to the packets of the bot's end, in both directions."""
    if conditions is None:
        return None
    return Impairments(
        seed=conditions.seed,
        loss_percent=conditions.loss_percent,
        burst_packets=conditions.loss_burst_packets,
        jitter_ms=conditions.jitter_ms,
        delay_ms=conditions.delay_ms,
        one_way=conditions.one_way,
    )


def background_of(conditions: Conditions | None) -> Background | None:
    """Return the noise behind what the bot says."""
    if conditions is None or conditions.noise is None:
        return None
    return Background(conditions.noise.kind, conditions.noise.snr_db, conditions.seed)


def conduct_of(conditions: Conditions | None) -> Conduct | None:
    """Return how the bot behaves on purpose."""
    if conditions is None:
        return None
    interrupt, silence = conditions.interrupt, conditions.silence
    return Conduct(
        interrupt_after_ms=interrupt.after_ms if interrupt is not None else None,
        interruptions=interrupt.times if interrupt is not None else 0,
        digits=tuple((one.after_turn, one.digits) for one in conditions.dtmf),
        quiet_from_ms=silence.from_ms if silence is not None else 0,
        quiet_ms=silence.for_ms if silence is not None else 0,
    )


class NoisyLeg:
    """A leg with noise behind what is said into it. All else is the leg's own."""

    def __init__(self, leg: MediaLeg, background: Background) -> None:
        self._leg = leg
        self._background = background
        self._sent: bytes | None = None

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame with its noise."""
        self._sent = self._background.mixed(frame)
        return self._leg.exchange(self._sent)

    def take_sent(self, said: bytes) -> bytes:
        """Return what was sent of what was said in this tick; of one that was left out, what was said."""
        sent, self._sent = self._sent, None
        return said if sent is None else sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._leg, name)
