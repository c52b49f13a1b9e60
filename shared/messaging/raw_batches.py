"""Reads one record batch by itself, where the consumer's library gives up: more leniently, and it says what is wrong.

Source: Apache Kafka, "Message Format" (record batch, magic 2).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import codec
from aiokafka.record.util import calc_crc32c, decode_varint_py

from shared.errors import Poison
from shared.messaging.positions import TopicPartition

HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH_STARTS, LENGTH_ENDS = 8, 12
CHECKED_FROM = 21
MAGIC = 2
CODEC_BITS, APPEND_TIME_BIT, CONTROL_BIT = 0x07, 0x08, 0x20
DECODERS = {
    0: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it stands in the log. `fault` says why it belongs to the dead letters whatever it holds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    fault: str | None


@dataclass(frozen=True, slots=True)
class RawBatch:
    """One batch. `records` is empty if `fault` says why nothing of it can be read."""

    base_offset: int
    next_offset: int
    records: Sequence[RawRecord]
    fault: str | None


def batch_at(data: bytes, at: TopicPartition, offset: int) -> RawBatch | None:
    """Return the batch that holds `offset`, None if it is not (wholly) there."""
    start = 0
    while len(data) - start >= HEADER.size:
        (length,) = struct.unpack_from(">i", data, start + LENGTH_STARTS)
        end = start + LENGTH_ENDS + length
        if length < 0 or end > len(data):
            return None
        base_offset, _, _, _, _, _, last_delta, *_ = HEADER.unpack_from(data, start)
        if base_offset + last_delta >= offset:
            return _opened(data[start:end], at)
        start = end
    return None


def _opened(batch: bytes, at: TopicPartition) -> RawBatch:
    base, _, _, magic, crc, attributes, last_delta, first_ms, max_ms, _, _, _, count = HEADER.unpack_from(batch)
    upto = base + last_delta + 1
    if magic != MAGIC:
        return RawBatch(base, upto, (), f"a batch of message format {magic}")
    if attributes & CONTROL_BIT:
        return RawBatch(base, upto, (), "a control batch that is broken")
    if calc_crc32c(batch[CHECKED_FROM:]) != crc:
        return RawBatch(base, upto, (), "a batch whose checksum is wrong")
    number = attributes & CODEC_BITS
    if number not in DECODERS:
        return RawBatch(base, upto, (), f"a batch of an unknown compression ({number})")
    try:
        records = DECODERS[number](batch[HEADER.size :])
    except Exception as error:
        return RawBatch(base, upto, (), f"a batch whose {CODECS[number]} is broken ({type(error).__name__})")
    stamp = max_ms if attributes & APPEND_TIME_BIT else None
    try:
        return RawBatch(base, upto, _records(records, count, at, base, first_ms, stamp), None)
    except (ValueError, IndexError, Poison) as error:
        return RawBatch(base, upto, (), f"a batch whose records are broken ({type(error).__name__})")


def _records(
    data: bytes, count: int, at: TopicPartition, base_offset: int, first_ms: int, append_ms: int | None
) -> list[RawRecord]:
    cursor = _Cursor(data)
    found = []
    for _ in range(count):
        length = cursor.number()
        ends = cursor.at + length
        cursor.number()  # attributes: none are defined
        stamp = first_ms + cursor.number()
        offset = base_offset + cursor.number()
        key, value = cursor.text(), cursor.text()
        headers = [(cursor.text() or b"", cursor.text() or b"") for _ in range(cursor.number())]
        if cursor.at != ends:
            raise Poison("a record's length is not that of its parts")
        bad = next((nth for nth, (name, _) in enumerate(headers, 1) if not _is_utf8(name)), None)
        fault = f"the name of header {bad} is not UTF-8" if bad is not None else None
        names = [(name.decode("utf-8", "backslashreplace"), content) for name, content in headers]
        stamp = stamp if append_ms is None else append_ms
        found.append(RawRecord(*at, offset, stamp, key, value, names, fault))
    return found


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self.at = 0

    def number(self) -> int:
        number: int
        number, self.at = decode_varint_py(self._data, self.at)  # unlike the quick one it looks where the data end
        return number

    def text(self) -> bytes | None:
        length = self.number()
        if length < 0:
            return None
        start, self.at = self.at, self.at + length
        if self.at > len(self._data):
            raise IndexError("a length beyond the end")
        return bytes(self._data[start : self.at])


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
