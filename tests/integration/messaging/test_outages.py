"""A broker that goes and comes, a broker or a process that freezes: said while it lasts, heard again after it."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.fetcher import Fetcher

from shared.messaging import hearing
from shared.messaging.cluster import create_topics
from tests.infra.resolve import Infra
from tests.support.databases import TestDatabase
from tests.support.own_broker import OwnBroker, an_own_broker
from tests.support.system import READY_SECONDS, a_system
from tests.support.toy_service import Toy, a_deposit, a_toy, make_tables
from tests.support.toy_service import kept_running as running
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
PREFIX = "own."
AGAIN_SECONDS = 60.0  # usually 5 to 15


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[OwnBroker]:
    async with an_own_broker(tmp_path) as own:
        await create_topics(own.bootstrap, prefix=PREFIX, partitions=2)
        yield own


@pytest.fixture
async def toy(test_database: TestDatabase, broker: OwnBroker) -> AsyncIterator[Toy]:
    toy = a_toy(test_database.url("api"), broker.bootstrap, PREFIX)
    await make_tables(toy.database)
    yield toy
    await toy.database.dispose()


async def _heard(toy: Toy, deposit_id: str) -> None:
    await toy.publish(a_deposit(deposit_id))

    async def there() -> bool:
        return deposit_id in await toy.ids()

    await eventually(there, within_seconds=AGAIN_SECONDS, what=deposit_id)
    await eventually(_is_ready(toy), within_seconds=AGAIN_SECONDS, what="ready")


def _is_ready(toy: Toy, ready: bool = True) -> Callable[[], Awaitable[bool]]:
    async def answer() -> bool:
        return toy.consumer.ready() is ready

    return answer


async def _away_and_back(toy: Toy, broker: OwnBroker, times: int, seconds: float) -> None:
    async with running(toy):
        await _heard(toy, "before")
        for nth in range(times):
            await broker.stop()
            await eventually(_is_ready(toy, False), within_seconds=AGAIN_SECONDS, what="not ready")
            assert "no broker answers" in toy.consumer.complaints()
            await asyncio.sleep(seconds)  # the outage itself, not a wait for something
            await broker.start()
            await _heard(toy, f"after {nth}")
    assert await toy.ids() == ["before", *(f"after {nth}" for nth in range(times))], "nothing lost, nothing twice"


async def test_a_broker_that_went_is_missed_and_heard_again_when_it_is_back(
    toy: Toy, broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "HEARD_WITHIN_SECONDS", 3.0)
    await _away_and_back(toy, broker, times=1, seconds=0.0)


async def test_a_frozen_broker_is_missed_and_heard_again(
    toy: Toy, broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "HEARD_WITHIN_SECONDS", 3.0)
    async with running(toy):
        await _heard(toy, "before")
        broker.freeze()
        await eventually(_is_ready(toy, False), within_seconds=AGAIN_SECONDS, what="not ready")
        broker.thaw()
        await _heard(toy, "after")


async def test_a_consumer_whose_library_has_fallen_silent_connects_anew(toy: Toy) -> None:
    """Its fetching task ends, as after some rebalances: no exception, no record, no answer."""
    async with running(toy):
        await _heard(toy, "before")
        for one in gc.get_objects():
            if isinstance(one, Fetcher) and one._subscriptions.subscription is not None and not one._closed:
                one._fetch_task.cancel()
        await _heard(toy, "in flight")
        await _heard(toy, "after")


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_a_broker_that_is_away_for_a_minute_three_times(toy: Toy, broker: OwnBroker) -> None:
    await _away_and_back(toy, broker, times=3, seconds=60.0)


async def _frozen_until(
    infra: Infra, test_database: TestDatabase, prefix: str, folder: Path, enough: Callable[[], Awaitable[bool]]
) -> None:
    async with a_system(test_database, infra.kafka_bootstrap, prefix, folder) as system:
        system.start("billing")
        await system.ready("billing")
        system.processes["billing"].send_signal(signal.SIGSTOP)
        await eventually(enough, within_seconds=AGAIN_SECONDS, what="frozen for long enough")
        await system.platform.publish([a_deposit("meanwhile")])
        system.processes["billing"].send_signal(signal.SIGCONT)

        async def booked() -> bool:
            return bool(await system.rows("SELECT FROM billing.accounts WHERE balance_cents = 100"))

        await eventually(booked, within_seconds=AGAIN_SECONDS, what="what was said meanwhile is heard")
        await system.ready("billing")


async def test_a_service_that_was_frozen_until_its_group_forgot_it_hears_again(
    infra: Infra, test_database: TestDatabase, topic_prefix: str, tmp_path: Path
) -> None:
    async def forgotten() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=infra.kafka_bootstrap)
        await admin.start()
        try:
            (response,) = await admin.describe_consumer_groups([f"{topic_prefix}rehearsal-billing"])
            return not response.to_object()["groups"][0]["members"]
        finally:
            await admin.close()

    await _frozen_until(infra, test_database, topic_prefix, tmp_path, forgotten)


@pytest.mark.campaign
async def test_a_service_that_was_frozen_for_forty_seconds_hears_again(
    infra: Infra, test_database: TestDatabase, topic_prefix: str, tmp_path: Path
) -> None:
    thawed_at = asyncio.get_running_loop().time() + 40

    async def forty_seconds() -> bool:
        return asyncio.get_running_loop().time() > thawed_at

    await _frozen_until(infra, test_database, topic_prefix, tmp_path, forty_seconds)


async def test_the_api_goes_on_while_kafka_is_away_and_says_that_it_is_deaf(
    infra: Infra, test_database: TestDatabase, topic_prefix: str, tmp_path: Path
) -> None:
    async with a_system(test_database, infra.kafka_bootstrap, topic_prefix, tmp_path) as system:
        system.start("api", KAFKA_BOOTSTRAP="127.0.0.1:1")

        async def answer() -> dict[str, Any]:
            try:
                got = await system.client.get(f"{system.ops_url('api')}/readyz")
            except httpx2.HTTPError:
                return {}
            return dict(got.json()) if got.status_code == 200 else {}

        said = await eventually(answer, within_seconds=READY_SECONDS, what="the api is ready")
        assert said["degraded"] == ["relay", "consumer"]
        assert "no broker answers" in said["complaints"]["consumer"]
        metrics = (await system.client.get(f"{system.ops_url('api')}/metrics")).text
        assert 'rehearsal_component_ready{component="consumer",service="api"} 0.0' in metrics
        assert 'rehearsal_component_ready{component="http",service="api"} 1.0' in metrics
