"""sipp as a far end, and a network that loses datagrams."""

import asyncio
import random
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.ports import free_port
from deploy.local.sip_peers import Stack
from services.caller.edges.sip.agent import Accept, Address, CallRefused, Invited, Placing, SipCall
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.limits import DoorLimits
from services.caller.edges.sip.user_agent import UserAgent
from tests.support.sip_peer import loopback_only
from tests.support.waiting import eventually

LOCAL_MEDIA = ("127.0.0.1", 30_000)
CALLS_A_SECOND = 25
CALLS_AT_ONCE = 40
STACK_LIMIT_SECONDS = 180
SEED = 8


class Sipp:
    """One run of sipp: a scenario of its own, `-sn uac` or `-sn uas`, with a number of calls."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.address: Address = ("127.0.0.1", port)
        self._process = process

    async def successful(self) -> int:
        """Wait for its end, and return how many of its calls went as they ought to."""
        async with asyncio.timeout(STACK_LIMIT_SECONDS):
            said, _ = await self._process.communicate()
        counted = re.findall(r"Successful call\s+\|\s+\d+\s+\|\s+(\d+)", said.decode("latin-1"))
        assert counted, said[-2_000:]
        return int(counted[-1])

    async def stop(self) -> None:
        """Kill it."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def sipp(stack: Stack, *arguments: str, scenario: str = "") -> AsyncIterator[Sipp]:
    """Run sipp for a while, with a scenario of its own (`-sn`) or of ours."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sipp-") as folder:
        given = _written(Path(folder, "scenario.xml"), scenario) if scenario else ()
        process = await asyncio.create_subprocess_exec(
            stack.program, *given, *arguments, "-i", "127.0.0.1", "-p", str(port), "-nostdin",
            cwd=folder, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        running = Sipp(process, port)
        try:
            yield running
        finally:
            await running.stop()


def _written(path: Path, scenario: str) -> tuple[str, str]:
    path.write_text(scenario)
    return "-sf", str(path)


def _callee_that_hears_an_invite_again(stack: Stack) -> str:
    """Return sipp's `uas`, which gives a call up when the INVITE comes again because 180 and 200 were lost, mended."""
    said = subprocess.run([stack.program, "-sd", "uas"], env=stack.environ, capture_output=True, text=True, check=False)
    before, send, rest = said.stdout.partition("<send>")
    rest = rest.replace(
        '<recv request="ACK"', '<recv request="INVITE" optional="true" next="1"></recv>\n  <recv request="ACK"', 1
    )
    return f'{before}<label id="1"/>\n  {send}{rest}'


def lose(agent: UserAgent, fraction: float, seed: int = SEED) -> None:
    """Lose this share of the datagrams that an agent sends, and of those that come to it."""
    chance = random.Random(seed)
    endpoint = agent.core.endpoint
    sends, receives = endpoint.send, endpoint.datagram_received

    def send(datagram: bytes, to: Address) -> None:
        if chance.random() >= fraction:
            sends(datagram, to)

    def receive(data: bytes, addr: tuple[Any, ...]) -> None:
        if chance.random() >= fraction:
            receives(data, addr)

    setattr(endpoint, "send", send)  # noqa: B010
    setattr(endpoint, "datagram_received", receive)  # noqa: B010


@asynccontextmanager
async def an_open_agent() -> AsyncIterator[UserAgent]:
    """Our user agent, with RFC 3261's own timers, open to everybody."""
    limits = DoorLimits(invites_per_second=1_000, calls_at_once=1_000)
    agent = UserAgent(may_dial=loopback_only, door=Door(lambda token: True, lambda number: True, limits))
    await agent.start("127.0.0.1", 0)
    try:
        yield agent
    finally:
        await agent.aclose()


async def take_calls(agent: UserAgent, stack: Stack, calls: int) -> int:
    """Let sipp place calls, and return how many of them went well for it."""

    async def accept(invited: Invited) -> Accept:
        return Accept(LOCAL_MEDIA, lambda call: None)

    agent.on_invite(accept)
    options = ("-sn", "uac", "-m", str(calls), "-r", str(CALLS_A_SECOND), "-d", "200")
    async with sipp(stack, *options, f"127.0.0.1:{agent.port}") as caller:
        return await caller.successful()


async def place_calls(agent: UserAgent, stack: Stack, calls: int) -> tuple[int, int]:
    """Place calls to sipp; return how many went well for us and for it."""
    async with sipp(stack, "-m", str(calls), scenario=_callee_that_hears_an_invite_again(stack)) as callee:
        room = asyncio.Semaphore(CALLS_AT_ONCE)
        await _there(callee.address)
        went_well = await asyncio.gather(*(_one_call(agent, callee.address, room) for _ in range(calls)))
        try:
            return sum(went_well), await callee.successful()
        except TimeoutError:
            return sum(went_well), 0


async def _there(address: Address) -> None:
    """Wait until sipp has its port: what is sent before is lost, as on any network, and only slow."""

    async def listening() -> bool:
        return is_bound(address[1])

    await eventually(listening, what="sipp's listening")


def is_bound(port: int) -> bool:
    """Say whether somebody has a UDP port."""
    return f":{port:04X} " in Path("/proc/net/udp").read_text()


def call_to(address: Address, user: str = "4930100") -> Placing:
    """A call to a stack."""
    return Placing(f"sip:{user}@{address[0]}:{address[1]}", address, "+4915", LOCAL_MEDIA, ring_limit_seconds=40.0)


async def _one_call(agent: UserAgent, address: Address, room: asyncio.Semaphore) -> bool:
    async with room:
        try:
            call: SipCall = await agent.place(call_to(address))
        except CallRefused:
            return False
        await asyncio.sleep(0.2)  # it lasts a little
        await call.hang_up()
        return call.ended.result().by == "us"
