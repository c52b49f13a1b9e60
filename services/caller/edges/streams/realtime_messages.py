"""What we say to a Realtime API.

Source: OpenAI's API reference, "Realtime: client events", and its own Python types (openai 3.57, `types/realtime`); for
servers of before its general availability, `types/beta/realtime`.
"""

import json
from base64 import b64encode
from typing import Any

from services.caller.edges.parties.chat.shapes import DESCRIBED, OFFERED, RINGS
from services.caller.edges.streams.realtime_address import RealtimeEndpoint

TURN_DETECTION = {"type": "server_vad", "create_response": True, "interrupt_response": True}
TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": DESCRIBED[name],
        "parameters": {"type": "object", "properties": {}},
    }
    for name in OFFERED["agent"]
]


def session_update(endpoint: RealtimeEndpoint) -> bytes:
    """Return what the session is to be: a telephone's sound both ways, and turns as the server hears them."""
    mulaw = {"type": "audio/pcmu"}
    output: dict[str, Any] = {"format": mulaw}
    session: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {"input": {"format": mulaw, "turn_detection": TURN_DETECTION}, "output": output},
        "tools": TOOLS,
        "tool_choice": "auto",
    }
    if endpoint.voice:
        output["voice"] = endpoint.voice
    return _written("session.update", session=_instructed(session, endpoint))


def older_session_update(endpoint: RealtimeEndpoint) -> bytes:
    """Return the same for a server that knows the API as it was before."""
    session: dict[str, Any] = {
        "modalities": ["audio", "text"],
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_ulaw",
        "turn_detection": {"type": "server_vad"},
        "tools": TOOLS,
        "tool_choice": "auto",
    }
    if endpoint.voice:
        session["voice"] = endpoint.voice
    return _written("session.update", session=_instructed(session, endpoint))


def greet() -> tuple[bytes, bytes]:
    """Return what lets the agent speak first, as who answers a telephone does."""
    content = [{"type": "input_text", "text": RINGS}]
    item = {"type": "message", "role": "system", "content": content}
    return _written("conversation.item.create", item=item), _written("response.create")


def append(sound: bytes) -> bytes:
    """Return a frame of µ-law. Written by hand: 50 of them are sent in each second of each call."""
    return b'{"type":"input_audio_buffer.append","audio":"%b"}' % b64encode(sound)


def truncate(item_id: str, played_ms: int) -> bytes:
    """Return how much of what the agent said was heard."""
    return _written("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=played_ms)


def tool_answer(call_id: str, response: str) -> bytes:
    """Return what a tool gave back."""
    item = {"type": "function_call_output", "call_id": call_id, "output": response}
    return _written("conversation.item.create", item=item)


def go_on() -> bytes:
    """Return what asks the agent to speak, with what its tools gave."""
    return _written("response.create")


def _instructed(session: dict[str, Any], endpoint: RealtimeEndpoint) -> dict[str, Any]:
    return session | ({"instructions": endpoint.instructions} if endpoint.instructions.strip() else {})


def _written(event: str, **content: Any) -> bytes:
    return json.dumps({"type": event} | content).encode()
