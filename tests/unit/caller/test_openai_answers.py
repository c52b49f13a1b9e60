"""A chat endpoint that answers something else: too much, or what is no completion; the call ends with a sentence."""

import gzip

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from services.caller.domain.turn import PartyError
from services.caller.edges.endpoints.asking import MAX_ANSWER_BYTES, HttpAsks
from tests.unit.caller.endpoint import LEAK, Endpoint, completion, failure_of, saying


@pytest.mark.parametrize("size", [MAX_ANSWER_BYTES + 1, 8 * MAX_ANSWER_BYTES])
async def test_an_answer_that_is_too_long_is_not_read(endpoint: Endpoint, asks: HttpAsks, size: int) -> None:
    endpoint.answers = [saying(LEAK + "x" * size)]
    await failure_of(endpoint, asks)


async def test_an_answer_that_would_unpack_into_a_long_one_is_not_unpacked(endpoint: Endpoint, asks: HttpAsks) -> None:
    packed = gzip.compress(bytes(saying("x" * 8 * MAX_ANSWER_BYTES).body))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    endpoint.answers = [Response(packed, headers=headers)]
    await failure_of(endpoint, asks)


@pytest.mark.parametrize(
    "answer",
    [
        Response(f'{{"choices": [{LEAK}', media_type="application/json"),
        Response(b"\xff\xfe\x00", media_type="application/json"),
        Response("", media_type="application/json"),
        PlainTextResponse(LEAK),
        PlainTextResponse(""),
        JSONResponse(LEAK),
        JSONResponse([LEAK]),
        JSONResponse(None),
        JSONResponse({}),
        JSONResponse({"choices": []}),
        JSONResponse({"choices": None}),
        JSONResponse({"choices": LEAK}),
        JSONResponse({"choices": {"0": LEAK}}),
        JSONResponse({"choices": [None]}),
        JSONResponse({"choices": [LEAK]}),
        completion({"role": "assistant", "content": {"text": LEAK}}),
        completion({"role": "assistant", "content": [LEAK]}),
        completion({"role": "assistant", "content": 7}),
    ],
    ids=range(18),
)
async def test_an_answer_that_is_no_completion_fails_the_call(
    endpoint: Endpoint, asks: HttpAsks, answer: Response
) -> None:
    endpoint.answers = [answer]
    assert "could not be read" in await failure_of(endpoint, asks)


@pytest.mark.parametrize(
    "tools", [5, True, LEAK, {"a": 1}, [5], [None], [{}], [{"function": LEAK}], [{"function": {"name": 5}}]]
)
async def test_tools_that_are_none_fail_the_call_at_worst(endpoint: Endpoint, asks: HttpAsks, tools: object) -> None:
    endpoint.answers = [completion({"role": "assistant", "content": "Hello.", "tool_calls": tools})]
    try:
        outcome = (await endpoint.party(asks).take_turn(())).text
    except PartyError as failed:
        outcome = str(failed)
    assert outcome in ("Hello.", "The agent's endpoint gave an answer that could not be read")
