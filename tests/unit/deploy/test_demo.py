"""The demo makes its other calls where none can have sound, and stops where its request was wrong."""

import httpx2
import pytest

from deploy.demo.__main__ import _spoken

REFUSED = {"mode": ["not available on this deployment"], "code": "validation_error"}


def a_client(status: int, answer: object) -> httpx2.AsyncClient:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, json=answer))
    return httpx2.AsyncClient(transport=transport, base_url="http://api")


async def test_where_no_call_has_sound_it_says_so_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async with a_client(400, REFUSED) as client:
        assert await _spoken(client, {}) is None
    assert "no call over SIP" in capsys.readouterr().out


async def test_where_one_can_it_is_made() -> None:
    async with a_client(201, {"id": 7}) as client:
        assert await _spoken(client, {}) == {"id": 7}


@pytest.mark.parametrize("status", [401, 402, 500])
async def test_any_other_answer_ends_the_demo(status: int) -> None:
    async with a_client(status, {}) as client:
        with pytest.raises(SystemExit, match=f"POST /v1/test-calls answered {status}"):
            await _spoken(client, {})
