"""The request log: who asked for which kind of thing, and nothing of what they said."""

import logging
from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect

from tests.integration.api.builders import a_call
from tests.integration.api.harness import CALLS, Api

pytestmark = pytest.mark.integration

NUMBER = "15551239876"
FIELDS = {"method", "route", "status", "ms", "org_id", "trace_id", "span_id"}
PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


async def test_a_request_is_logged_with_these_fields_and_no_other(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    org = await api.org()
    caplog.set_level(logging.INFO)
    await api.get(org, f"/v1/calls?from_number=%2B{NUMBER}")
    await api.get(org, f"/v1/calls?from_number=%2B{NUMBER}&limit=0")
    await api.get(org, f"/v1/calls/{NUMBER}{NUMBER}?to_number={NUMBER}")
    await api.get(org, f"/v1/{NUMBER}?{NUMBER}")
    await api.get(org, f"/v1/calls?from_number={NUMBER}", **{"X-Number": NUMBER, "Referer": f"https://a/?{NUMBER}"})
    await api.client.head(f"/v1/calls?to_number={NUMBER}", headers=org.authorization)
    await api.client.options(f"/v1/calls?to_number={NUMBER}")
    await api.client.put(f"/v1/calls?to_number={NUMBER}", headers=org.authorization)
    await api.client.get(f"/v1/calls?to_number={NUMBER}", headers={"Authorization": f"Bearer sk_{NUMBER}"})
    await api.call(org, target_number=f"+{NUMBER}", scenario_prompt=f"Call {NUMBER} back.")
    await api.call(org, target_number=NUMBER, name=NUMBER, key=f'"{NUMBER}')
    await api.post_raw(org, f"{CALLS}?{NUMBER}", NUMBER.encode() + b"}")
    lines = [record for record in caplog.records if record.message == "request"]
    assert len(lines) == 12
    for line in lines:
        assert set(vars(line)) - PLAIN <= FIELDS
        assert "{" in line.route or line.route in ("unmatched", "/v1/calls", CALLS)  # type: ignore[attr-defined]
    of_ours = [record for record in caplog.records if not record.name.startswith("httpx")]  # the client has its own
    assert [record for record in of_ours if NUMBER in str(vars(record))] == []


async def test_a_client_that_leaves_is_no_error(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    org = await api.org()
    caplog.set_level(logging.INFO)

    async def leaves() -> AsyncIterator[bytes]:
        yield b'{"target_type"'
        raise ClientDisconnect  # what Starlette makes of a connection that is lost

    answer = await _or_none(api, org.authorization, leaves())
    assert answer is None
    (line,) = [record for record in caplog.records if record.message == "request"]
    assert line.status == 499  # type: ignore[attr-defined]
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
    assert (await api.post(org, CALLS, a_call(org))).status_code == 201


async def _or_none(api: Api, headers: dict[str, str], body: AsyncIterator[bytes]) -> object:
    try:
        return await api.client.post(CALLS, content=body, headers=headers)
    except AssertionError:  # httpx: the app has not answered
        return None
