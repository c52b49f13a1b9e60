"""Dead letters always fit beside the largest value, whatever the headers are."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from shared.events.topics import MAX_RECORD_BYTES
from shared.messaging.cluster import ROOM_FOR_HEADERS_BYTES
from shared.messaging.dead_letters import sealed_for_dlq

LONG_NAMES = st.text(alphabet="a€𝄞", max_size=20).map(lambda text: text * 500)
HEADERS = st.lists(
    st.tuples(LONG_NAMES, st.none() | st.binary(max_size=20).map(lambda value: value * 500)), max_size=60
)


@given(HEADERS, st.text(max_size=50).map(lambda text: text * 50))
def test_what_stands_beside_the_value_is_bounded(headers: list[tuple[str, bytes | None]], reason: str) -> None:
    record = SimpleNamespace(
        topic="t", partition=0, offset=2**62, key=b"k" * 100_000, value=b"v" * (MAX_RECORD_BYTES + 1), headers=headers
    )
    sealed = sealed_for_dlq(record, "platform-directory", reason, service="scheduler")
    beside = len(sealed.key or b"") + sum(len(name.encode()) + len(value) + 10 for name, value in sealed.headers)
    assert sealed.value is None
    assert beside < ROOM_FOR_HEADERS_BYTES


def test_what_a_record_says_of_itself_is_kept_first() -> None:
    headers = [*((f"x{n}", b"") for n in range(40)), ("ce_subject", b"7"), ("ce_type", b"t"), ("dlq_reason", b"forged")]
    record = SimpleNamespace(topic="t", partition=0, offset=1, key=None, value=b"", headers=headers)
    sealed = sealed_for_dlq(record, "t", "why", service="api")
    kept = dict(sealed.headers)
    assert (kept["ce_subject"], kept["ce_type"], kept["dlq_reason"]) == (b"7", b"t", b"why")
