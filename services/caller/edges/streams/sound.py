"""Sound in a message: µ-law in base64, both ways."""

from base64 import b64decode
from typing import Any

from aiortp.codecs.g711 import PcmuCodec

from services.caller.domain.media import SILENCE
from services.caller.edges.streams.faults import Faults
from services.caller.edges.streams.playout import Played

MULAW = PcmuCodec()
BYTES_PER_MS = 8


def text_in(content: Any, name: str) -> str | None:
    """Return a text of an object; None where there is none, or no object."""
    found = content.get(name) if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def sound_in(payload: str | None, faults: Faults) -> bytes | None:
    """Return µ-law, None for what is none."""
    if payload is None:
        faults.note("wrong_shape")
        return None
    try:
        return b64decode(payload, validate=True)
    except ValueError:  # binascii's, and that of letters that are none of ASCII
        faults.note("unreadable_sound")
        return None


def samples(played: Played) -> bytes:
    """Return a frame as a leg gives it."""
    return SILENCE if played.sound is None else MULAW.decode(played.sound)
