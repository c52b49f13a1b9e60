"""The broker is away for longer than is normal: all four services say so, take what they can, and catch up."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.messaging.cluster import create_topics
from tests.support.books import assert_the_books_balance
from tests.support.databases import TestDatabase
from tests.support.own_broker import OwnBroker, an_own_broker
from tests.support.system import SERVICES, System, a_batch, a_call, a_system
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

MISSED_WITHIN_SECONDS = 60.0  # 15 s for the relay, 30 s for the consumer (README, alerts)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[OwnBroker]:
    async with an_own_broker(tmp_path) as own:
        await create_topics(own.bootstrap, partitions=2)
        yield own


async def _degraded(system: System, service: str) -> tuple[int, set[str]]:
    answer = await system.client.get(f"{system.ops_url(service)}/readyz")
    return answer.status_code, set(answer.json()["degraded"])


async def _lags(system: System, service: str) -> list[float]:
    text = (await system.client.get(f"{system.ops_url(service)}/metrics")).text
    return [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("rehearsal_consumer_lag_records{")
    ]


async def test_all_four_miss_a_broker_and_settle_what_came_meanwhile_when_it_is_back(
    test_database: TestDatabase, broker: OwnBroker, tmp_path: Path
) -> None:
    async with a_system(test_database, broker.bootstrap, "", tmp_path, CALL_SPEED="200") as system:
        for service in SERVICES:
            system.start(service)
        await system.ready()
        org = await system.org()
        assert (await system.post(org, "/v1/test-calls", a_call(org))).status_code == 201
        await system.all_ended(org, runs=1)
        await broker.stop()
        for service in SERVICES:

            async def missed(service: str = service) -> bool:
                return (await _degraded(system, service))[1] >= {"consumer", "relay"}

            await eventually(missed, within_seconds=MISSED_WITHIN_SECONDS, what=f"{service} misses the broker")
            status, _ = await _degraded(system, service)
            assert status == (200 if service == "api" else 503), "the api goes on serving"

            async def unknown(service: str = service) -> bool:
                return all(math.isnan(lag) for lag in await _lags(system, service))

            await eventually(unknown, within_seconds=MISSED_WITHIN_SECONDS, what=f"{service} knows no lag: it is not 0")
        assert (await system.post(org, "/v1/test-call-batches", a_batch(org, 5))).status_code == 201
        assert (await system.get(org, "/v1/test-calls")).status_code == 200
        await broker.start()
        runs = await system.all_ended(org, runs=6, within_seconds=120)
        assert {run["status"] for run in runs} == {"completed"}
        await system.ready()
        for service in SERVICES:

            async def known(service: str = service) -> bool:
                lags = await _lags(system, service)
                return bool(lags) and not any(lags)

            await eventually(known, within_seconds=30, what=f"{service} is behind nothing")
        await assert_the_books_balance(system, org)
