"""A row leaves the outbox when the broker has acknowledged it, and not before, whatever else the broker says."""

from collections.abc import AsyncIterator

import pytest

from shared.messaging import producing, relay, sending
from shared.messaging.messages import Say
from tests.integration.messaging.conftest import RunRelay
from tests.support.proxies import HOST, NEVER, BrokerLine, served
from tests.support.toy_service import Toy, a_deposit
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ORG_OF_THE_OTHER_PARTITION = 2
NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS, NOT_AUTHORISED, OUT_OF_SEQUENCE, UNKNOWN, BAD_TIME = 6, 7, 19, 29, 45, -1, 32
WILL_PASS = [NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS, NOT_AUTHORISED, OUT_OF_SEQUENCE, UNKNOWN, BAD_TIME]


@pytest.fixture
async def line(toy: Toy) -> AsyncIterator[BrokerLine]:
    """A line to the broker that the relay goes by."""
    line = BrokerLine(int(toy.bootstrap.rpartition(":")[2]))
    async with served(line):
        yield line


def _address(line: BrokerLine) -> str:
    return f"{HOST}:{line.port}"


async def _write(toy: Toy, *ids: str) -> None:
    async with toy.database.transaction() as transaction:
        await toy.outbox.write(transaction, [Say(a_deposit(one)) for one in ids])


async def _count(toy: Toy, table: str) -> object:
    return await toy.value(f"SELECT count(*) FROM {table}")


async def _subjects(toy: Toy, count: int) -> list[str]:
    records = await toy.published("platform-payments", count=count)
    return [dict(record.headers)["ce_subject"].decode() for record in records]  # type: ignore[attr-defined]


async def test_a_row_stays_while_the_broker_takes_it_and_does_not_answer(
    toy: Toy, a_relay: RunRelay, line: BrokerLine
) -> None:
    line.answer = lambda topic, partition: NEVER
    await _write(toy, "d1", "d2")
    async with a_relay(bootstrap=_address(line)) as publishing:

        async def taken() -> bool:
            return line.silent > 0

        await eventually(taken, what="the broker took the rows")
        await publishing.flush()  # as long as it lasts: there is nothing to wait for
        assert await _count(toy, "outbox") == 2
    async with a_relay():
        assert await _subjects(toy, 2) == ["d1", "d2"]


@pytest.mark.parametrize(
    "code", [NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS, NOT_AUTHORISED, OUT_OF_SEQUENCE, UNKNOWN, BAD_TIME]
)
async def test_a_row_stays_when_the_broker_answers_with_what_will_pass(
    toy: Toy, a_relay: RunRelay, line: BrokerLine, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.rounds.AWAY_SECONDS", 0.1)
    refusals = iter([code, code])
    line.answer = lambda topic, partition: next(refusals, 0)
    await _write(toy, "d1", "d2")
    async with a_relay(bootstrap=_address(line)):
        assert await _subjects(toy, 2) == ["d1", "d2"]
        await eventually(_empty(toy))
        assert next(refusals, None) is None, "it was refused twice"
        assert await _count(toy, "outbox_aside") == 0


async def test_a_record_that_the_broker_never_takes_is_set_aside_once_others_of_its_topic_were_taken(
    toy: Toy, a_relay: RunRelay, line: BrokerLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker does not say why: as long as it takes nothing at all, it is the broker that is in trouble."""
    monkeypatch.setattr("shared.messaging.rounds.AWAY_SECONDS", 0.1)
    monkeypatch.setattr(relay, "BACK_OFF_SECONDS", (0.05,))
    refusals: list[int] = []

    def answer(topic: str, partition: int) -> int:
        refusals.append(partition)
        return UNKNOWN if partition == refusals[0] else 0

    line.answer = answer
    await _write(toy, "d1")
    async with a_relay(bootstrap=_address(line)):

        async def refused_often() -> bool:
            return len(refusals) > 2 * sending.DOUBTFUL_TRIES

        await eventually(refused_often)
        assert await _count(toy, "outbox_aside") == 0
        async with toy.database.transaction() as transaction:
            await toy.outbox.write(transaction, [Say(a_deposit("other", org_id=ORG_OF_THE_OTHER_PARTITION))])
        await eventually(_empty(toy))
    assert await toy.value("SELECT reason FROM outbox_aside") == "aiokafka.errors.UnknownError"


async def test_a_relay_without_a_broker_is_not_ready_leader_or_not(
    toy: Toy, a_relay: RunRelay, line: BrokerLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BROKER_ANSWERED_WITHIN_SECONDS", 1.0)
    monkeypatch.setattr(producing, "PROBE_SECONDS", 0.1)
    async with a_relay(bootstrap=_address(line)) as first, a_relay(bootstrap=_address(line)) as second:

        async def ready() -> bool:
            return first.ready() and second.ready() and first.is_leading() != second.is_leading()

        async def unready() -> bool:
            return not first.ready() and not second.ready()

        await eventually(ready, what="both are ready")
        line.cut = True
        await eventually(unready, what="both miss the broker")


async def test_both_are_unready_while_rows_grow_old(toy: Toy, a_relay: RunRelay, line: BrokerLine) -> None:
    line.answer = lambda topic, partition: NEVER
    settings = {"bootstrap": _address(line), "oldest_row_seconds": 1.0}
    async with a_relay(**settings) as first, a_relay(**settings) as second:

        async def ready() -> bool:
            return first.ready() and second.ready()

        async def unready() -> bool:
            return not first.ready() and not second.ready()

        await eventually(ready, what="both are ready")
        await _write(toy, "d1")
        await eventually(unready, what="both tell of the old row")


def _empty(toy: Toy):  # type: ignore[no-untyped-def]
    async def empty() -> bool:
        return await _count(toy, "outbox") == 0

    return empty
