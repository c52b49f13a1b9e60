"""An endpoint that refuses a parameter is asked again without that one, and remembered; for nothing else, ever."""

import asyncio
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from services.caller.domain.turn import PartyError
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.chat import shapes
from services.caller.edges.parties.chat.shapes import KnownShapes
from tests.unit.caller.endpoint import LEAK, PROMPT, TURNS, Endpoint, failure_of, saying

Body = dict[str, Any]

NO_TOOLS = [
    (400, {"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools"}}),
    (400, {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice to be set'}),
    (400, {"error": {"message": "Unrecognized request argument supplied: functions"}}),
    (400, {"error": {"message": "`tool calling` is not supported with this model", "type": "invalid_request_error"}}),
    (400, [{"error": {"code": 400, "message": "Function calling is not enabled for models/gemma-3-1b-it"}}]),
    (400, {"error": {"message": "Unknown parameter: 'tools'.", "param": "tools", "code": "unknown_parameter"}}),
    (404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}}),
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}]}),
    (500, {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}),
    (501, {"detail": "tools are not implemented"}),
    (501, {}),
    (400, {}),
    (422, {}),
    (400, {"error": {"message": "Bad Request", "type": "invalid_request_error", "param": None, "code": None}}),
    (200, {"error": {"message": "This model does not support tools", "code": 400}}),
]


@pytest.mark.parametrize(("status", "told"), NO_TOOLS)
async def test_an_endpoint_without_tools_is_asked_without_them_and_from_then_on(
    endpoint: Endpoint, asks: HttpAsks, status: int, told: object
) -> None:
    async def plain(body: Body) -> Response:
        return JSONResponse(told, status_code=status) if "tools" in body else saying("Hello.")

    endpoint.answers = [plain]
    known = KnownShapes()
    party = endpoint.party(asks, known=known)
    assert (await party.take_turn(())).text == "Hello."
    assert (await party.take_turn(())).text == "Hello."
    assert (await endpoint.party(asks, known=known).take_turn(())).text == "Hello.", "nor in the next call"
    assert ["tools" in body for body in endpoint.asked] == [True, False, False, False]
    assert all("max_tokens" in body for body in endpoint.asked)


async def test_tools_refused_as_plain_text_are_refused_too(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [PlainTextResponse("tools are not supported", status_code=500), saying("Hello.")]
    assert (await endpoint.party(asks).take_turn(())).text == "Hello."


MAX_TOKENS = {
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}


@pytest.mark.parametrize(
    "error",
    [MAX_TOKENS, {"message": MAX_TOKENS["message"]}, {"message": "m does not support parameters: ['max_tokens']"}],
)
async def test_newer_models_get_the_newer_name_and_keep_their_tools(
    endpoint: Endpoint, asks: HttpAsks, error: object
) -> None:
    async def newer(body: Body) -> Response:
        return JSONResponse({"error": error}, status_code=400) if "max_tokens" in body else saying("Hello.")

    endpoint.answers = [newer]
    known = KnownShapes()
    await endpoint.party(asks, known=known).take_turn(())
    await endpoint.party(asks, known=known).take_turn(())
    assert ["max_tokens" in body for body in endpoint.asked] == [True, False, False]
    assert ["max_completion_tokens" in body for body in endpoint.asked] == [False, True, True]
    assert all("tools" in body for body in endpoint.asked)


async def test_a_refused_system_role_is_folded_into_the_first_message(endpoint: Endpoint, asks: HttpAsks) -> None:
    async def gemma(body: Body) -> Response:
        if body["messages"][0]["role"] == "system":
            return JSONResponse({"error": {"message": "System role not supported"}}, status_code=400)
        return saying("Hello.")

    endpoint.answers = [gemma]
    await endpoint.party(asks).take_turn(TURNS)
    assert endpoint.asked[1]["messages"] == [{"role": "user", "content": f"{PROMPT}\n\nmy private line"}]
    assert all("tools" in body for body in endpoint.asked)


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "Only user and assistant roles are supported!",
        "system messages are not supported by this model",
        "Invalid role: system",
    ],
)
async def test_a_system_role_is_refused_in_many_words(endpoint: Endpoint, asks: HttpAsks, message: str) -> None:
    endpoint.answers = [JSONResponse({"error": {"message": message}}, status_code=400), saying("Hello.")]
    await endpoint.party(asks).take_turn(())
    assert [body["messages"][0]["role"] for body in endpoint.asked] == ["system", "user"]


async def test_an_endpoint_that_refuses_everything_is_asked_for_the_least_and_each_is_told(
    endpoint: Endpoint, asks: HttpAsks
) -> None:
    async def picky(body: Body) -> Response:
        for name in ("tools", "max_tokens", "max_completion_tokens"):
            if name in body:
                return JSONResponse({"error": {"message": f"unknown field {name}"}}, status_code=422)
        if body["messages"][0]["role"] == "system":
            return JSONResponse({"error": {"message": "system role not supported"}}, status_code=422)
        return JSONResponse({"error": {"message": LEAK, "param": "messages"}}, status_code=422)

    endpoint.answers = [picky]
    assert await failure_of(endpoint, asks) == (
        "The agent's endpoint answered 422: "
        "it refused tools, max_tokens, max_completion_tokens, the system role, messages"
    )
    assert len(endpoint.asked) == 5


async def test_several_parameters_refused_at_once_are_left_out_at_once(endpoint: Endpoint, asks: HttpAsks) -> None:
    told = {
        "detail": [{"loc": ["body", name], "msg": "extra fields not permitted"} for name in ("tools", "max_tokens")]
    }
    endpoint.answers = [JSONResponse(told, status_code=422), saying("Hello.")]
    await endpoint.party(asks).take_turn(())
    assert len(endpoint.asked) == 2
    assert not {"tools", "max_tokens"} & endpoint.asked[1].keys()


async def test_a_refusal_without_a_word_is_worth_one_try_without_tools(endpoint: Endpoint, asks: HttpAsks) -> None:
    endpoint.answers = [JSONResponse({}, status_code=400)]
    known = KnownShapes()
    for _ in range(2):
        with pytest.raises(PartyError) as failed:
            await endpoint.party(asks, known=known).take_turn(())
        assert str(failed.value) == "The agent's endpoint answered 400: it was asked with and without tools"
    tools = ["tools" in body for body in endpoint.asked]
    assert tools == [True, False, True, False], "what was only guessed is not held against an endpoint"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, {"error": {"message": "The model `m` does not exist", "code": "model_not_found", "param": "model"}}),
        (404, {"error": {"message": "model 'm' not found, try pulling it first"}}),
        (404, {"detail": "Not Found"}),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded", "param": "messages"}}),
        (400, {"error": {"message": "filtered", "code": "content_filter", "param": "prompt"}}),
        (401, {"error": {"message": "tools are not supported for this key"}}),
        (429, {"error": {"message": "unsupported tools"}}),
        (500, {"error": {"message": "the tool call failed: invalid answer of the order system"}}),
        (500, {"error": {"message": "internal system error"}}),
        (500, {}),
        (502, {"error": {"message": "upstream failed"}}),
        (503, {}),
    ],
)
async def test_any_other_refusal_is_final(endpoint: Endpoint, asks: HttpAsks, status: int, told: object) -> None:
    endpoint.answers = [JSONResponse(told, status_code=status), saying("You should not have asked.")]
    await failure_of(endpoint, asks)
    assert len(endpoint.asked) == 1


async def test_only_the_answer_itself_counts_as_the_agent_s_time(endpoint: Endpoint, asks: HttpAsks) -> None:
    async def refuses_slowly(body: Body) -> Response:
        await asyncio.sleep(0.5)
        return JSONResponse({"error": {"message": "tools are not supported"}}, status_code=400)

    endpoint.answers = [refuses_slowly, saying("Hello.")]
    assert (await endpoint.party(asks).take_turn(())).think_ms < 400


def test_what_is_known_is_bounded_and_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_REMEMBERED_ENDPOINTS", 2)
    known, plain = KnownShapes(), shapes.Shape(tools=False)
    for name in "abc":
        known.remember((name,), plain)
    assert [known.of((name,)).tools for name in "abc"] == [True, False, False]
    monkeypatch.setattr(shapes, "REMEMBERED_SECONDS", 0.0)
    known.remember(("d",), plain)
    assert known.of(("d",)).tools
