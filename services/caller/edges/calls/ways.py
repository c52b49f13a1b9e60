"""How an agent is reached for a call with sound: over SIP, on our own inbound side, or over a WebSocket."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from services.caller.domain.impairments import Impairments
from services.caller.domain.limits import RING_LIMIT_SECONDS
from services.caller.domain.turn import PartyError
from services.caller.edges.calls.faults import impairments_of
from services.caller.edges.calls.inbound import Expected, Inbound
from services.caller.edges.calls.legs import Answered, over_sip
from services.caller.edges.endpoints.dialling import Guard
from services.caller.edges.endpoints.pools import Network
from services.caller.edges.media.ports import Ports, PortsUsedUp
from services.caller.edges.secrets import Secrets
from services.caller.edges.sip.agent import Address, CallRefused, Credentials, Placing, SipAgent
from services.caller.edges.sip.door import TOKEN_HEADER
from services.caller.edges.sip.targets import resolve_sip
from services.caller.edges.streams.agents import StreamAgents
from services.caller.edges.streams.failures import NotOpened
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection, RealtimeConnection, SipConnection, WebSocketConnection

BOTH_ENDS_SECONDS = 5.0  # between the placing end's answer and the answering end's
NO_PORT = "All media ports of this deployment are in use: try again in a while"
NOT_CALLED_BY_IT = "An agent behind a SIP address cannot be made to call: only calls to it are possible"
NOT_OVER_SIP = "The agent's connection is not one over SIP"
NOT_OVER_A_STREAM = "The agent's connection is not one over a WebSocket"
TRUNK_PASSWORD = "password for the agent's SIP trunk"  # noqa: S105 - what it is called
HALF_ANSWERED = "The call was answered, and its other end was not heard of"


@dataclass(frozen=True, slots=True)
class Reached:
    """An answered call. `agent` is the agent's own end, where it is hosted here; `call_id` that of its log."""

    bot: Answered
    agent: Answered | None = None
    call_id: int | None = None


class Way(Protocol):
    """A way to an agent. `contact` is called just before anybody hears of the call."""

    async def reach(self, dispatch: TestCallDispatched, call_id: int, contact: Callable[[], None]) -> Reached:
        """Return the answered call. Raises PartyError with a sentence for the customer."""


@dataclass(frozen=True, slots=True)
class OverSip:
    """Calls over SIP: to an agent's address, or to our own inbound side and back."""

    agent: SipAgent
    host: str
    inbound: Inbound
    ports: Ports
    skipped: Callable[[], int]
    network: Network
    secrets: Secrets

    async def reach(self, dispatch: TestCallDispatched, call_id: int, contact: Callable[[], None]) -> Reached:
        try:
            if dispatch.target.sip_uri is None and isinstance(dispatch.target.connection, BuiltinConnection):
                return await self._loop(dispatch, contact)
            return Reached(await self._call(dispatch, contact))
        except CallRefused as refused:
            raise PartyError(refused.sentence) from None
        except PortsUsedUp:
            raise PartyError(NO_PORT) from None

    async def _call(self, dispatch: TestCallDispatched, contact: Callable[[], None]) -> Answered:
        target, connection = dispatch.target, dispatch.target.connection
        if dispatch.direction == "inbound":
            raise PartyError(NOT_CALLED_BY_IT)
        sip = connection if isinstance(connection, SipConnection) else None
        uri = target.sip_uri or (sip.uri if sip is not None else None)
        if uri is None:
            raise PartyError(NOT_OVER_SIP)
        credentials = None
        if sip is not None and sip.username is not None:
            password = self.secrets.resolve(dispatch.org_id, sip.credentials_ref, what=TRUNK_PASSWORD)
            credentials = Credentials(sip.username, password)
        guard = Guard(self.network.resolver, self.network.policy, dispatch.org_id)
        address = await resolve_sip(uri, guard)
        contact()
        placing = partial(
            Placing,
            uri=uri,
            address=address,
            from_number=target.bot_number,
            display=sip.display_name if sip is not None else "",
            asserts_identity=sip is None or sip.asserted_identity,
            credentials=credentials,
        )
        return await self._place(placing, impairments_of(dispatch.conditions))

    async def _loop(self, dispatch: TestCallDispatched, contact: Callable[[], None]) -> Reached:
        """Call our own inbound side: whoever of bot and agent is called answers there."""
        target = dispatch.target
        outbound = dispatch.direction == "outbound"
        from_, to = (target.bot_number, target.agent_number)[:: 1 if outbound else -1]
        own = self.host, self.agent.port
        expected = _expected(dispatch, to, own)
        self.inbound.expect(expected)
        placed = None
        try:
            contact()
            placing = partial(
                Placing,
                uri=f"sip:{to}@{self.host}:{self.agent.port}",
                address=own,
                from_number=from_,
                headers={TOKEN_HEADER: expected.token},
            )
            placed = await self._place(placing, impairments_of(dispatch.conditions) if outbound else None)
            async with asyncio.timeout(BOTH_ENDS_SECONDS):
                other = await asyncio.shield(expected.answered)
        except BaseException as error:
            await _hang_up(placed, expected)
            if isinstance(error, TimeoutError):
                raise PartyError(HALF_ANSWERED) from None
            raise
        finally:
            self.inbound.forget(expected)
        bot, agent = (placed, other) if outbound else (other, placed)
        return Reached(bot, agent, expected.call_id)

    async def _place(self, placing: Callable[..., Placing], impairments: Impairments | None) -> Answered:
        port = self.ports.take()
        try:
            call = await self.agent.place(
                placing(local_media=(port.host, port.port), ring_limit_seconds=RING_LIMIT_SECONDS)
            )
        except BaseException:
            port.release()
            raise
        return over_sip(call, port, self.skipped, impairments)


def _expected(dispatch: TestCallDispatched, number: str, source: Address) -> Expected:
    """Return the call that is to come in: in an inbound run it is the bot that answers, as it was asked to."""
    expected = Expected(dispatch.run_id, number, source)
    if dispatch.direction == "inbound" and dispatch.conditions is not None:
        expected.impairments = impairments_of(dispatch.conditions)
        if (asked := dispatch.conditions.sip_answer) is not None:
            expected.refuse_with = None if asked.answer == "late_200" else int(asked.answer)
            expected.after_seconds = asked.after_seconds
    return expected


async def _hang_up(placed: Answered | None, expected: Expected) -> None:
    if placed is not None:
        await placed.hang_up()
    if expected.answered.done() and not expected.answered.cancelled():
        await expected.answered.result().hang_up()


@dataclass(frozen=True, slots=True)
class OverStream:
    """Calls over WebSockets: as a carrier's media stream, or to a model behind the Realtime API."""

    agents: StreamAgents

    async def reach(self, dispatch: TestCallDispatched, call_id: int, contact: Callable[[], None]) -> Reached:
        connection = dispatch.target.connection
        if not isinstance(connection, WebSocketConnection | RealtimeConnection):
            raise PartyError(NOT_OVER_A_STREAM)
        contact()
        greets = dispatch.direction == "outbound"
        try:
            leg = await self.agents.call(connection, org_id=dispatch.org_id, call_id=call_id, greets=greets)
        except NotOpened as refused:
            raise PartyError(refused.sentence) from None
        return Reached(Answered(leg, leg.hang_up, leg.set_up_ms, heard_late=leg.heard_late))
