"""How a call reaches the agent under test: which modes do, and which conditions make sense on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.api.domain.admission import Target

HOSTED = "builtin"
WITH_SOUND = ("sip", "websocket", "realtime")
TAKES_DIGITS = ("sip", "websocket")
ON_THE_WIRE = ("loss_percent", "jitter_ms", "delay_ms", "one_way")
IN_THE_SOUND = ("noise", "dtmf", "silence", "interrupt")

Why = Literal[
    "sip_only", "no_sip_address", "cannot_be_made_to_dial", "not_over_rtp", "answers_by_itself", "no_sound", "no_digits"
]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """400 on a field: the agent can't be called like that. `of` is the inner field, `kind` the agent's connection."""

    field: Literal["mode", "direction", "conditions"]
    why: Why
    kind: str = ""
    of: str = ""


def has_sound(mode: str, kind: str) -> bool:
    """Say whether such a call is spoken; the others are text."""
    return mode == "sip" or kind in WITH_SOUND


def unreachable(target: Target, mode: str, direction: str, conditions: Mapping[str, Any] | None) -> Unreachable | None:
    """Say why a call like this cannot be made, None if it can.

    An address of the number's own comes before the agent's. Who is not hosted here cannot be told to place a call over
    SIP, and answers one as it likes.
    """
    kind = target.kind
    if mode == "bot" and kind == "sip":
        return Unreachable("mode", "sip_only", kind)
    if mode == "sip" and direction == "inbound" and kind != HOSTED:
        return Unreachable("direction", "cannot_be_made_to_dial", kind)
    if mode == "sip" and kind not in ("sip", HOSTED) and target.sip_uri is None:
        return Unreachable("mode", "no_sip_address", kind)
    asked_for = {name: value for name, value in (conditions or {}).items() if value}
    answered_here = direction == "inbound" or (kind == HOSTED and target.sip_uri is None)
    for name in asked_for:
        if name in ON_THE_WIRE and mode != "sip":
            return Unreachable("conditions", "not_over_rtp", kind, name)
        if name == "sip_answer" and (mode != "sip" or not answered_here):
            return Unreachable("conditions", "not_over_rtp" if mode != "sip" else "answers_by_itself", kind, name)
        if name in IN_THE_SOUND and not has_sound(mode, kind):
            return Unreachable("conditions", "no_sound", kind, name)
        if name == "dtmf" and mode != "sip" and kind not in TAKES_DIGITS:
            return Unreachable("conditions", "no_digits", kind, name)
    return None
