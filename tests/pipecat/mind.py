"""The language model of the Pipecat agent: our offline demo agent, behind a streaming chat endpoint.

A process of its own, `python -m tests.pipecat.mind PORT`: it must not share the loop of the clock that measures it.
"""

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from services.caller.domain.turn import Role, Turn
from services.caller.edges.parties.offline.agent import OfflineAgent

ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}


async def answer(request: Request) -> StreamingResponse:
    """Answer as OpenAI does, in pieces. The agent of one request has heard the whole call before."""
    messages = (await request.json())["messages"]
    agent = OfflineAgent("Pat")
    turns: list[Turn] = []
    text = (await agent.take_turn(())).text
    for message in messages:
        if (role := ROLES.get(message["role"])) is not None:
            turns.append(Turn(role, "text/plain", str(message["content"]), len(turns), len(turns)))
            if role == "user":
                text = (await agent.take_turn(turns)).text
    return StreamingResponse(_pieces(text), media_type="text/event-stream")


async def _pieces(text: str) -> AsyncIterator[str]:
    for word in text.split():
        yield _event({"role": "assistant", "content": f"{word} "}, None)
    yield _event({}, "stop")
    yield "data: [DONE]\n\n"


def _event(delta: dict[str, Any], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "offline", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
