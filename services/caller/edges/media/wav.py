"""Stereo WAV files of 16 bits: the caller left, the agent right."""

import os
import struct
from pathlib import Path

from services.caller.domain.media import SAMPLE_RATE_HZ

CHANNELS = 2
BLOCK_BYTES = 2 * CHANNELS  # one sample of each channel
HEADER_BYTES = 44
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1


def header(sound_bytes: int) -> bytes:
    """Return the header of a file with so much sound."""
    return _HEADER.pack(
        b"RIFF", HEADER_BYTES - 8 + sound_bytes, b"WAVE", b"fmt ", 16, _PCM, CHANNELS, SAMPLE_RATE_HZ,
        SAMPLE_RATE_HZ * BLOCK_BYTES, BLOCK_BYTES, 16, b"data", sound_bytes,
    )  # fmt: skip


def repair(path: Path) -> int:
    """Let a file whose writer died hold all that was written; return how many ms that is. *Idempotent.*

    Blocks. Raises OSError, and ValueError if it is no recording of ours.
    """
    with path.open("r+b") as file:
        if file.read(4) != b"RIFF":
            raise ValueError("not a recording")
        blocks = max(0, os.fstat(file.fileno()).st_size - HEADER_BYTES) // BLOCK_BYTES
        file.truncate(HEADER_BYTES + blocks * BLOCK_BYTES)
        os.pwrite(file.fileno(), header(blocks * BLOCK_BYTES), 0)
    return blocks * 1_000 // SAMPLE_RATE_HZ
