"""A batch that the library gave up: read by ourselves, or named for what is wrong with it."""

import gzip

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.broker import Fetched
from shared.messaging.examining import look_into
from shared.messaging.raw_batches import batch_at
from tests.support.raw_kafka import a_batch, a_record, an_lz4_that_ends_badly

AT = ("payments", 0)
RECORDS = [a_record(0, b"k", b"v0", [(b"a", b"1")]), a_record(1, b"k", b"v1", [(b"\xff", b"2")])]
GZIP, UNKNOWN = 1, 7


def test_records_are_read_with_the_fault_of_the_one_that_has_one() -> None:
    for batch in (a_batch(RECORDS), a_batch(RECORDS, codec=GZIP, payload=gzip.compress(b"".join(RECORDS)))):
        found = batch_at(batch, AT, 1)
        assert found is not None
        assert [(one.offset, one.value, one.fault) for one in found.records] == [
            (0, b"v0", None),
            (1, b"v1", "the name of header 1 is not UTF-8"),
        ]
        assert found.records[1].headers == [("\\xff", b"2")]


@pytest.mark.parametrize(
    ("batch", "fault"),
    [
        (a_batch(RECORDS, codec=UNKNOWN), "a batch of an unknown compression (7)"),
        (a_batch(RECORDS, codec=GZIP), "a batch whose gzip is broken (BadGzipFile)"),
        (an_lz4_that_ends_badly(RECORDS), "a batch whose lz4 is broken (DecompressionError)"),
        (a_batch(RECORDS)[:-1] + b"\x00", "a batch whose checksum is wrong"),
        (a_batch(RECORDS, payload=RECORDS[0]), "a batch whose records are broken (IndexError)"),
        (a_batch(RECORDS, payload=b"\x7f" * 40), "a batch whose records are broken"),
        (a_batch(RECORDS, codec=0x20), "a control batch that is broken"),
    ],
)
def test_a_batch_of_which_nothing_can_be_read_is_named_for_its_fault(batch: bytes, fault: str) -> None:
    found = batch_at(batch, AT, 0)
    assert found is not None
    assert (found.records, found.next_offset) == ((), 2)
    assert found.fault is not None
    assert fault in found.fault


def test_what_stands_before_the_broken_batch_is_kept() -> None:
    good = a_batch([a_record(0, b"k", b"v", [])])
    broken = bytearray(an_lz4_that_ends_badly(RECORDS))
    broken[7] = 1  # its base offset
    found = look_into(Fetched(good + bytes(broken), ()), TopicPartition(*AT), 0)
    assert [one.value for one in found.records] == [b"v"]
    assert found.fault == "a batch whose lz4 is broken (DecompressionError); it ends before 3"


@given(st.binary(max_size=200), st.integers(0, 5))
def test_no_bytes_make_it_fail_or_hold_it_up(garbage: bytes, codec: int) -> None:
    for data in (garbage, a_batch(RECORDS, codec=codec, payload=garbage)):
        found = look_into(Fetched(data, ()), TopicPartition(*AT), 0)
        assert not found.trouble or found.fault is not None or found.records
