"""Lines between a service and what it needs, which a test can cut as a pulled cable does: without a word."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
PRODUCE = 0
NEVER: int | None = None


@dataclass
class Line:
    """A TCP proxy. While it is `cut` it takes what comes and passes nothing on, and no end hears of the other's end.

    It cuts itself once it has passed on what contains `cut_behind`.
    """

    target_port: int
    port: int = 0
    cut: bool = False
    cut_behind: bytes | None = None
    swallowed_bytes: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self._writers.append(writer)
        if self.cut:
            await self._carry(reader, None)
            return
        there, back = await asyncio.open_connection(HOST, self.target_port)
        self._writers.append(back)
        ways = [
            asyncio.create_task(self.outward(reader, writer, back)),
            asyncio.create_task(self.homeward(there, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if not self.cut:
            for end in (writer, back):
                end.close()

    async def outward(
        self, reader: asyncio.StreamReader, answers: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        """Carry what the client says."""
        await self._carry(reader, writer)

    async def homeward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what the server says."""
        await self._carry(reader, writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if writer is None or self.cut:
                    self.swallowed_bytes += len(data)
                    continue
                writer.write(data)
                if self.cut_behind is not None and self.cut_behind in data:
                    self.cut = True
                await writer.drain()

    def close(self) -> None:
        """Let everybody know."""
        for writer in self._writers:
            writer.close()


@dataclass
class BrokerLine(Line):
    """A line to a Kafka broker that goes by the line's own address. Produce requests may be refused, or never answered.

    `answer(topic, partition)` is asked for each batch of a produce request: an error code that the broker says instead
    of taking it, `NEVER` for silence, and 0 for what the real broker says. (Where one batch of a request is refused,
    the others are said to be taken, and are not.)
    """

    answer: Callable[[str, int], int | None] = lambda topic, partition: 0
    silent: int = 0

    async def outward(
        self, reader: asyncio.StreamReader, answers: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        async for frame in _frames(reader):
            if self.cut:
                continue
            if struct.unpack_from(">h", frame)[0] == PRODUCE:
                codes = {place: self.answer(*place) for place in _places(frame)}
                if NEVER in codes.values():
                    self.silent += 1
                    continue
                if any(codes.values()):
                    answers.write(_produced(frame, codes))
                    continue
            writer.write(struct.pack(">i", len(frame)) + frame)
            await writer.drain()

    async def homeward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        real, own = (HOST.encode() + struct.pack(">i", port) for port in (self.target_port, self.port))
        async for frame in _frames(reader):
            if not self.cut:
                writer.write(struct.pack(">i", len(frame)) + frame.replace(real, own))
                await writer.drain()


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            yield await reader.readexactly(size)


def _places(frame: bytes) -> list[tuple[str, int]]:
    """Read of a produce request (versions 3 to 8) which partitions it is for."""
    (client_chars,) = struct.unpack_from(">h", frame, 8)
    at = 10 + client_chars + 2 + 2 + 4  # no transactional id, acks, timeout
    (topics,) = struct.unpack_from(">i", frame, at)
    at += 4
    places = []
    for _ in range(topics):
        (name_chars,) = struct.unpack_from(">h", frame, at)
        name = frame[at + 2 : at + 2 + name_chars].decode()
        at += 2 + name_chars
        (partitions,) = struct.unpack_from(">i", frame, at)
        at += 4
        for _ in range(partitions):
            partition, batch_bytes = struct.unpack_from(">ii", frame, at)
            at += 8 + batch_bytes
            places.append((name, partition))
    return places


def _produced(frame: bytes, codes: dict[tuple[str, int], int | None]) -> bytes:
    """Write what answers a produce request."""
    _, version, correlation_id = struct.unpack_from(">hhi", frame)
    body = struct.pack(">ii", correlation_id, len(codes))
    for (topic, partition), code in codes.items():
        name = topic.encode()
        body += struct.pack(">h", len(name)) + name + struct.pack(">iihqqq", 1, partition, code, 0, -1, -1)
        body += struct.pack(">ih", 0, -1) if version >= 8 else b""
    body += struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


@asynccontextmanager
async def served(line: Line) -> AsyncIterator[Line]:
    """Open a line for a while."""
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = line.serve
    server = await asyncio.start_server(serve, HOST, 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.close()
