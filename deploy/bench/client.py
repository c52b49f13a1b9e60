"""A plain HTTP/1.1 client that costs little beside what it measures."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Connection:
    """One kept-alive connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to the API on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST; return status and answer."""
        return await self._ask("POST", path, key, json.dumps(body).encode())

    async def get(self, path: str, key: str) -> tuple[int, dict[str, Any]]:
        """GET; return status and answer."""
        return await self._ask("GET", path, key, b"")

    async def fetch(self, path: str, key: str) -> tuple[int, str, bytes]:
        """GET; return status, head and body as they came."""
        return await self._exchange("GET", path, key, b"")

    async def _ask(self, method: str, path: str, key: str, content: bytes) -> tuple[int, dict[str, Any]]:
        status, _, body = await self._exchange(method, path, key, content)
        return status, json.loads(body)

    async def _exchange(self, method: str, path: str, key: str, content: bytes) -> tuple[int, str, bytes]:
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + content)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(answer.split(" ", 2)[1])
        length = int(answer.lower().split("content-length: ")[1].split("\r\n")[0])
        return status, answer, await self.reader.readexactly(length)
