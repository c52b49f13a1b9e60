"""A chat endpoint in a process of its own that takes its time and next to no CPU: who calls it is measured.

It reads as much of a request as it needs to answer it, and has its answers ready: so many lines, then it hangs up.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import uvloop

from deploy.local.children import dies_with_parent

THINK_SECONDS = 0.05
LINES = ("This is line 1.", "This is line 2.", "This is line 3.")
FAREWELL = "Goodbye then. [END_CALL]"
ASSISTANTS = (b'"role": "assistant"', b'"role":"assistant"')
MODEL = "m"
BACKLOG = 1_000


def _completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    body = {
        "id": "1", "object": "chat.completion", "created": 0, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }  # fmt: skip
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


ANSWERS = tuple(_completion(text) for text in (*LINES, FAREWELL))


class _Connection(asyncio.Protocol):
    """Answers one request after the other, as our client sends them."""

    def __init__(self) -> None:
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, _, body = self._heard.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            return
        self._heard = b""
        said = sum(body.count(assistant) for assistant in ASSISTANTS)
        asyncio.get_running_loop().call_later(THINK_SECONDS, self._answer, ANSWERS[min(said, len(LINES))])

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


@dataclass(frozen=True)
class FarEnd:
    """Where it is, and which process."""

    base_url: str
    pid: int


@contextmanager
def a_far_end() -> Iterator[FarEnd]:
    """Start one; stop it at the end."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.bench.far_end", str(listener.fileno())], pass_fds=(listener.fileno(),),
            preexec_fn=dies_with_parent,
        )  # fmt: skip
        try:
            yield FarEnd(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", process.pid)
        finally:
            process.kill()
            process.wait()


async def _serve(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
