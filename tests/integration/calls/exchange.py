"""A process's telephone exchange, over loopback: its user agent, ports, clock, and calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.media import Speech
from services.caller.domain.sound import Kept, Sound
from services.caller.domain.turn import PartyError
from services.caller.edges.calls.inbound import Inbound
from services.caller.edges.calls.recording import OfLeg
from services.caller.edges.calls.spoken import ChosenCalls
from services.caller.edges.calls.studio import Studio
from services.caller.edges.calls.ways import OverSip, OverStream, Way
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.media.calibration import Offset
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.recorder import Recorded, recording_thread
from services.caller.edges.secrets import Secrets
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.user_agent import UserAgent
from services.caller.edges.streams.agents import StreamAgents
from services.caller.edges.streams.reaching import Streams
from services.caller.ports import Call, Parties
from shared.events.admissions import TestCallDispatched
from shared.network.addresses import AddressPolicy, read_networks
from tests.support.buzzing import Buzzing
from tests.unit.caller.builders import a_claim

HOST = "127.0.0.1"
TIMING = Timing(t1_seconds=0.1)


@dataclass
class Shelf:
    """Keeps recordings where the test can look at them."""

    folder: Path
    kept: dict[bool, Recorded] = field(default_factory=dict)

    def place(self) -> Path:
        return self.folder / f"{uuid4().hex}.wav"

    async def keep(self, of: OfLeg, written: Recorded, started_at: datetime) -> Kept:
        self.kept[of.is_second_leg] = written
        return Kept("recording", duration_ms=written.duration_ms, bytes=written.size_bytes, is_stored=True)


@dataclass
class Exchange:
    """All that a process needs for calls with sound."""

    agent: UserAgent
    inbound: Inbound
    ports: Ports
    clock: Clock
    calls: ChosenCalls
    shelf: Shelf
    announced: list[tuple[int, str, str, str]]
    lease: bool = True

    def call(self, dispatch: TestCallDispatched) -> Call:
        return self.calls.call(a_claim(dispatch.run_id), dispatch, CallClock(1.0, lambda: self.lease), None)

    async def run(self, dispatch: TestCallDispatched) -> tuple[Conversation, Sound | None]:
        """Hold a call as a run is held."""
        call = self.call(dispatch)
        try:
            await call.place()
            held = await call.hold()
        except PartyError as error:
            held = call.cut(str(error))
        sound = await call.close()
        assert not isinstance(sound, Kept)
        return held, sound

    async def holds_nothing(self) -> bool:
        """Say whether no port, call or expectation is left."""
        return not (self.ports.in_use or len(self.inbound) or self.agent.core.calls or self.clock._ticking)


@asynccontextmanager
async def an_exchange(
    folder: Path,
    parties: Parties,
    *,
    first_port: int = 31_000,
    speech: Speech | None = None,
    timing: Timing = TIMING,
    secrets: Secrets | None = None,
) -> AsyncIterator[Exchange]:
    clock = Clock()
    ticking = asyncio.create_task(clock.keep_time())
    ports = Ports(HOST, first_port, first_port + 199, reuse_after_seconds=0.0)
    announced: list[tuple[int, str, str, str]] = []

    async def announce(run_id: int, sip_call_id: str, from_: str, to: str, invited_at: datetime) -> int:
        announced.append((run_id, sip_call_id, from_, to))
        return 2 * len(announced)

    inbound = Inbound(ports, announce, clock.skipped)
    door = Door(inbound.knows_token, inbound.knows_number)
    agent = UserAgent(may_dial=lambda address: address == HOST, door=door, timing=timing)
    await agent.start(HOST, 0)
    agent.on_invite(inbound.invited)
    network = Network(AddressPolicy(read_networks("127.0.0.0/8")), Proxies.from_environment(), trusted(None))
    shelf = Shelf(folder)
    studio = Studio(
        clock, speech or Buzzing(), {"bot": "rms", "agent": "awb"}, lambda: Offset(0.0, 2.0), shelf, recording_thread()
    )
    over_sip = OverSip(agent, HOST, inbound, ports, clock.skipped, network, secrets or Secrets())
    ways: dict[str, Way] = {"sip": over_sip, "bot": OverStream(StreamAgents(Streams(network), Secrets()))}
    exchange = Exchange(agent, inbound, ports, clock, ChosenCalls(parties, studio, ways), shelf, announced)
    try:
        yield exchange
    finally:
        await agent.aclose()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        studio.recording_thread.shutdown()
