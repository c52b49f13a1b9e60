"""Connections that are used again: what one request left behind reaches no other, and nothing is heard twice."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from services.caller.edges.endpoints import connections as connections_module
from services.caller.edges.endpoints import dialling
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.openai_chat import OpenAIParty
from shared.network import resolving
from shared.network.resolving import Resolver
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import Endpoint, asking, failure_of, saying, some_pools

GREETING = bytes(saying("Hello.").body)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(GREETING), GREETING)
AT_ONCE = 60


@dataclass
class Line:
    """A far end that keeps its connections open. `then` is what it does with the second request of a connection."""

    host: str = "127.0.0.1"
    then: Literal["answer", "close", "half"] = "answer"
    keys: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))  # heard, by connection
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://agent.test:{self.port}/v1"

    @property
    def heard(self) -> int:
        return sum(len(keys) for keys in self.keys.values())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.writers)
        self.writers.append(writer)
        while not reader.at_eof():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            self.keys[number].append(head.partition(b"Authorization: ")[2].split(b"\r\n")[0])
            if self.then != "answer" and len(self.keys[number]) > 1:
                writer.write(ANSWER[: len(ANSWER) // 2] if self.then == "half" else b"")
                break
            writer.write(ANSWER)
        writer.close()

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Line"]:
        """Serve it."""
        server = await asyncio.start_server(self.serve, self.host, self.port, backlog=1_000)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self.writers:
                writer.close()


def here(host: str) -> tuple[str, ...]:
    return ("127.0.0.1",)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with Line().up() as line:
        yield line


@pytest.fixture
async def asks() -> AsyncIterator[HttpAsks]:
    async with asking(some_pools(resolver=Resolver(here))) as asks:
        yield asks


async def say_hello(*parties: OpenAIParty) -> None:
    replies = await asyncio.gather(*(party.take_turn(()) for party in parties))
    assert [reply.text for reply in replies] == ["Hello."] * len(parties)


async def test_no_organisation_s_key_ever_travels_on_another_s_connection(
    endpoint: Endpoint, asks: HttpAsks, line: Line
) -> None:
    parties = [endpoint.party(asks, url=line.url, org_id=org_id, key=f"key-{org_id}") for org_id in (1, 2, 3)]
    for _ in range(3):
        await say_hello(*parties)
    assert sorted(keys[0] for keys in line.keys.values()) == [b"Bearer key-1", b"Bearer key-2", b"Bearer key-3"]
    assert all(len(set(keys)) == 1 and len(keys) == 3 for keys in line.keys.values())


async def test_one_that_the_far_end_closed_meanwhile_is_not_used_again(
    endpoint: Endpoint, asks: HttpAsks, line: Line
) -> None:
    party = endpoint.party(asks, url=line.url)
    await say_hello(party)
    line.writers[0].close()
    await line.writers[0].wait_closed()
    await say_hello(party)
    assert [len(keys) for keys in line.keys.values()] == [1, 1]


async def test_nor_is_one_on_which_something_came_that_nobody_asked_for(
    endpoint: Endpoint, asks: HttpAsks, line: Line
) -> None:
    """As servers do that say why they close an idle connection."""
    party = endpoint.party(asks, url=line.url)
    await say_hello(party)
    line.writers[0].write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    await line.writers[0].drain()
    await say_hello(party)
    assert [len(keys) for keys in line.keys.values()] == [1, 1]


async def test_nor_is_one_that_the_far_end_closed_while_its_name_was_looked_up_for_a_proxy(
    endpoint: Endpoint, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "KEPT_SECONDS", 0.0)
    begun, found = threading.Event(), threading.Event()

    def look_up(host: str) -> tuple[str, ...]:
        if host == "agent.test":
            begun.set()
            found.wait(20)
        return ("127.0.0.1",)

    pools = some_pools(proxy=f"http://proxy.test:{line.port}", resolver=Resolver(look_up))
    async with asking(pools) as asks:
        party = endpoint.party(asks, url=line.url)
        found.set()
        await say_hello(party)
        begun.clear()
        found.clear()
        second = asyncio.create_task(say_hello(party))
        await asyncio.to_thread(begun.wait, 20)
        line.writers[0].close()
        await line.writers[0].wait_closed()
        found.set()
        await second
    assert [len(keys) for keys in line.keys.values()] == [1, 1]


@pytest.mark.parametrize("then", ["close", "half"])
async def test_what_was_sent_when_the_far_end_closed_is_not_sent_again(
    endpoint: Endpoint, asks: HttpAsks, line: Line, then: Literal["close", "half"]
) -> None:
    """An agent that has heard a turn would hear it twice; it can't be told from one that has not."""
    line.then = then
    await say_hello(endpoint.party(asks, url=line.url))
    sentence = await failure_of(endpoint, asks, url=line.url)
    assert sentence == "The agent's endpoint ended the connection without an answer"
    assert [len(keys) for keys in line.keys.values()] == [2]


async def test_a_request_costs_the_same_however_many_connections_are_open(
    endpoint: Endpoint, asks: HttpAsks, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def count(stream: Any, info: str) -> bool | None:
        nonlocal looked_at
        looked_at += info == "is_readable"
        return False if info == "is_readable" else None

    party = endpoint.party(asks, url=line.url)
    await say_hello(*[party] * AT_ONCE)
    monkeypatch.setattr(dialling._Stream, "get_extra_info", count)
    for _ in range(3):
        await say_hello(party)
    assert len(line.keys) == AT_ONCE
    assert looked_at == 3


async def test_a_name_that_leads_elsewhere_is_followed_once_names_are_no_longer_kept(
    endpoint: Endpoint, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a connection that is never idle for long enough to be closed."""
    monkeypatch.setattr(resolving, "KEPT_SECONDS", 0.2)
    monkeypatch.setattr(connections_module, "USED_AGAIN_SECONDS", 0.2)
    leads_to = ["127.0.0.1"]
    resolver = Resolver(lambda _: tuple(leads_to))
    async with Line("127.0.0.2", port=line.port).up() as moved, asking(some_pools(resolver=resolver)) as asks:
        party = endpoint.party(asks, url=line.url)
        await say_hello(party)
        leads_to[:] = ["127.0.0.2"]

        async def has_moved() -> bool:
            await say_hello(party)
            return moved.heard > 0

        await eventually(has_moved, what="the other address is called")
