"""What calls with sound need in a process: one clock, ports, a user agent, and a measure of this worker itself."""

import asyncio

from services.caller.domain.media import Speech
from services.caller.domain.turn import Side
from services.caller.edges.calls.inbound import Announce, Inbound
from services.caller.edges.calls.recording import Keeps, Renders
from services.caller.edges.calls.spoken import ChosenCalls
from services.caller.edges.calls.studio import Studio
from services.caller.edges.calls.ways import OverSip, OverStream, Way
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.lines import Lines
from services.caller.edges.media.calibration import UNKNOWN_OFFSET, calibrate
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.ports import Ports, PortsUsedUp
from services.caller.edges.media.recorder import recording_thread
from services.caller.edges.secrets import Secrets
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.limits import DoorLimits
from services.caller.edges.sip.user_agent import UserAgent
from services.caller.edges.streams.agents import StreamAgents
from services.caller.edges.streams.reaching import Streams
from services.caller.ports import Parties
from shared.telemetry import logs

CALIBRATE_EVERY_SECONDS = 600.0

log = logs.logger(__name__)


class Telephony:
    """Calls with sound of this process. `run_clock` and `calibrate_for_ever` have to run."""

    def __init__(
        self,
        lines: Lines,
        *,
        network: Network,
        secrets: Secrets,
        parties: Parties,
        speech: Speech,
        voices: dict[Side, str],
        keeps: Keeps,
        renders: Renders | None,
        announce: Announce,
        calls_limit: int,
    ) -> None:
        self._lines = lines
        self._clock = Clock()
        self._ports = Ports(lines.host, lines.first_media_port, lines.last_media_port)
        self._offset = UNKNOWN_OFFSET
        self._thread = recording_thread()
        inbound = Inbound(self._ports, announce, self._clock.skipped)
        door = Door(inbound.knows_token, inbound.knows_number, DoorLimits.for_calls(calls_limit))
        self._agent = UserAgent(may_dial=network.policy.admits, door=door)
        self._agent.on_invite(inbound.invited)
        studio = Studio(self._clock, speech, voices, lambda: self._offset, keeps, self._thread)
        over_sip = OverSip(self._agent, lines.host, inbound, self._ports, self._clock.skipped, network, secrets)
        ways: dict[str, Way] = {"sip": over_sip, "bot": OverStream(StreamAgents(Streams(network), secrets))}
        self.calls = ChosenCalls(parties, studio, ways, renders)

    async def start(self) -> None:
        """Bind the SIP port. Raises OSError."""
        await self._agent.start(self._lines.host, self._lines.sip_port)

    async def run_clock(self) -> None:
        """Tick for ever."""
        await self._clock.keep_time()

    async def calibrate_for_ever(self) -> None:
        """Measure this worker at its start, and now and then."""
        while True:
            try:
                self._offset = await calibrate(self._clock, self._ports)
            except PortsUsedUp:
                log.info("not calibrated: all media ports are in use")
            await asyncio.sleep(CALIBRATE_EVERY_SECONDS)

    async def aclose(self) -> None:
        """Hang up what is left, and give everything back."""
        await self._agent.aclose()
        self._thread.shutdown(wait=True)
