"""A good answer in all the shapes that endpoints and gateways give it."""

import gzip
import json
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from services.caller.edges.endpoints.asking import HttpAsks
from tests.unit.caller.endpoint import LEAK, Endpoint, completion, failure_of, saying

HELLO = completion({"role": "assistant", "content": "Hello."})


def body_of(response: Response) -> bytes:
    return bytes(response.body)


def events(*chunks: dict[str, Any], comment: str = "") -> Response:
    """A stream that nobody asked for."""
    lines = [comment, *(f"data: {json.dumps(chunk)}\n" for chunk in chunks), "data: [DONE]\n"]
    return Response("\n".join(lines), media_type="text/event-stream")


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


@pytest.mark.parametrize(
    "answer",
    [
        HELLO,
        Response(body_of(HELLO), media_type="text/plain"),
        Response(body_of(HELLO), media_type="text/html"),
        Response(b"\xef\xbb\xbf" + body_of(HELLO)),
        Response(b"\n\n   \n" + body_of(HELLO)),
        Response(gzip.compress(body_of(HELLO)), headers={"content-encoding": "gzip"}),
        JSONResponse({"choices": [{"message": {"content": "Hello."}}]}),
        JSONResponse({"choices": [{"message": {"content": "Hello."}}], "error": None, "usage": None}),
        JSONResponse({"choices": [{"text": "Hello."}]}),
        JSONResponse({"choices": [{"message": {"content": "Hello."}}, {"message": {"content": LEAK}}]}),
        JSONResponse({"choices": [{"message": {"content": "Hello."}}]}, status_code=201),
        completion({"content": [{"type": "text", "text": "Hello."}]}),
        completion({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]}),
        completion({"content": [{"type": "output_text", "text": "Hello."}, {"type": "image_url", "image_url": {}}]}),
        completion(
            {"content": [{"type": "thinking", "thinking": [{"text": LEAK}]}, {"type": "text", "text": "Hello."}]}
        ),
        completion({"content": [{"type": "text", "text": "<think>Hm"}, {"type": "text", "text": ".</think>Hello."}]}),
        completion({"content": None, "refusal": "Hello."}),
        completion({"content": "", "refusal": "Hello."}),
        completion({"content": [{"type": "refusal", "refusal": "Hello."}]}),
        completion({"content": "Hello.", "refusal": None}),
        completion({"content": "Hello.", "reasoning_content": LEAK, "reasoning": LEAK, "thinking": LEAK}),
        completion({"content": "<think>" + LEAK + "</think>\n\nHello."}),
        completion({"content": "Hello.", "tool_calls": None}),
        completion({"content": "Hello.", "tool_calls": []}),
        completion({"content": "Hello."}, "content_filter"),
        completion({"content": "Hello."}, "length"),
        events(
            delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo."), comment=": PROCESSING\n"
        ),
        events(delta(reasoning_content=LEAK), delta(content="<think>"), delta(content="a</think>Hello.")),
        events({"choices": []}, delta(content="Hello."), {"choices": [{"index": 1, "delta": {"content": LEAK}}]}),
    ],
    ids=range(29),
)
async def test_a_good_answer_is_spoken(endpoint: Endpoint, asks: HttpAsks, answer: Response) -> None:
    endpoint.answers = [answer]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending, reply.tools) == ("Hello.", "none", ())
    assert len(endpoint.asked) == 1


def calling(arguments: Any, name: str = "end_call", finish: str = "tool_calls") -> Response:
    return completion({"content": None, "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}, finish)


@pytest.mark.parametrize(
    "answer",
    [
        calling("{}"),
        calling("{}", finish="stop"),
        calling("{}", finish="length"),
        calling(""),
        calling("null"),
        calling(None),
        calling({}),
        calling('"{}"'),
        calling('"{\\"a\\": 1}"'),
        calling("{broken"),
        calling("[1]"),
        calling("[" * 900),
        calling("{}", name="functions.end_call"),
        calling("{}", name="end_call()"),
        calling("{}", name=" endCall "),
        calling("{}", name="end-call"),
        completion({"content": None, "function_call": {"name": "end_call", "arguments": "{}"}}),
        completion({"content": "", "tool_calls": {"function": {"name": "end_call"}}}),
        completion({"content": None, "tool_calls": [{"name": "end_call", "arguments": {}}]}),
        events(
            delta(tool_calls=[{"index": 0, "function": {"name": "end_call", "arguments": ""}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": "{"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": "}"}}]),
        ),
    ],
    ids=range(20),
)
async def test_a_hang_up_hangs_up_however_it_is_spelled(endpoint: Endpoint, asks: HttpAsks, answer: Response) -> None:
    endpoint.answers = [answer]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending, len(reply.tools)) == ("", "hang_up", 1)
    assert json.loads(reply.tools[0].call)["name"] == "end_call"


async def test_what_a_tool_was_called_with_is_noted(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [calling('"{\\"reason\\": \\"done\\"}"'), calling(json.dumps({"a": "x" * 2_000}))]
    party = endpoint.party(asks)
    assert json.loads((await party.take_turn(())).tools[0].call)["arguments"] == {"reason": "done"}
    assert json.loads((await party.take_turn(())).tools[0].call)["arguments"] == {}, "unless it is too long"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (completion({"content": None}, "content_filter"), "said nothing: its content filter withheld the answer"),
        (completion({"content": ""}, "length"), "said nothing: it used up the longest answer before its first word"),
        (
            completion({"content": "<think>" + LEAK}, "length"),
            "said nothing: it used up the longest answer before its first word",
        ),
        (
            JSONResponse({"error": {"message": LEAK, "code": "content_filter"}}, status_code=400),
            "refused the conversation: its content filter stopped it",
        ),
        (JSONResponse({"error": {"message": LEAK, "code": 429}}), "answered 429: it gets too many requests"),
        (JSONResponse({"error": {"message": LEAK, "code": "502"}}), "answered 502"),
        (JSONResponse({"error": {"message": LEAK}}), "answered with an error"),
        (JSONResponse({"error": LEAK}), "answered with an error"),
        (JSONResponse({"choices": [{"error": {"code": 502}, "message": {"content": LEAK}}]}), "answered 502"),
        (
            JSONResponse({"object": "error", "message": LEAK, "code": 400}),
            "answered 400: it was asked with and without tools",
        ),
        (events(delta(content="Hel"), {"error": {"message": LEAK, "code": 503}}), "answered 503"),
        (HTMLResponse(f"<!DOCTYPE html><p>{LEAK}"), "gave a web page instead of an answer"),
        (HTMLResponse(f"<html>{LEAK}", status_code=404), "answered 404: it does not know this address, or this model"),
        (PlainTextResponse(LEAK), "gave an answer that could not be read"),
        (Response(b"", headers={"content-encoding": "br"}), "gave an answer that could not be read"),
        (Response(b"\x1f\x8b" + b"no", headers={"content-encoding": "gzip"}), "gave an answer that could not be read"),
        (
            JSONResponse({"error": {"message": f"The model `{LEAK}` does not exist"}}, status_code=404),
            "answered 404: it does not know this model",
        ),
    ],
    ids=range(17),
)
async def test_what_is_no_turn_has_a_sentence_of_its_own(
    endpoint: Endpoint, asks: HttpAsks, answer: Response, sentence: str
) -> None:
    endpoint.answers = [answer]
    assert await failure_of(endpoint, asks) == f"The agent's endpoint {sentence}"


async def test_silence_without_a_reason_is_left_to_the_call(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [saying(None)]
    reply = await endpoint.party(asks).take_turn(())
    assert (reply.text, reply.ending) == ("", "none")
