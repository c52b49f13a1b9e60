"""Calls agents that are reached over WebSockets, as their connections say."""

import asyncio
from dataclasses import dataclass

from services.caller.domain.limits import RING_LIMIT_SECONDS
from services.caller.edges.secrets import Secrets
from services.caller.edges.streams.endpoint import StreamEndpoint
from services.caller.edges.streams.failures import late
from services.caller.edges.streams.reaching import Streams
from services.caller.edges.streams.realtime import RealtimeLeg
from services.caller.edges.streams.realtime_address import RealtimeEndpoint
from services.caller.edges.streams.twilio import TwilioLeg
from shared.events.connection import RealtimeConnection, WebSocketConnection

StreamLeg = TwilioLeg | RealtimeLeg


@dataclass(frozen=True, slots=True)
class StreamAgents:
    """A secret goes to its own organisation's agent alone, as for HTTP endpoints."""

    streams: Streams
    secrets: Secrets

    async def call(
        self, connection: WebSocketConnection | RealtimeConnection, *, org_id: int, call_id: int, greets: bool
    ) -> StreamLeg:
        """Call an agent, and return its end once it has taken the call. Raises NotOpened, PartyError.

        What it takes as a whole has one limit, that of ringing, beside those of its parts. `greets`: the agent is who
        answers, and speaks first. One behind a carrier's stream decides that by itself.
        """
        try:
            async with asyncio.timeout(RING_LIMIT_SECONDS):
                return await self._call(connection, org_id, call_id, greets=greets)
        except TimeoutError:
            raise late(RING_LIMIT_SECONDS) from None

    async def _call(
        self, connection: WebSocketConnection | RealtimeConnection, org_id: int, call_id: int, *, greets: bool
    ) -> StreamLeg:
        match connection:
            case WebSocketConnection():
                secret = self.secrets.resolve(org_id, connection.auth_ref)
                headers = {connection.auth_header: secret} if secret else {}
                endpoint = StreamEndpoint(connection.url, org_id, headers, connection.parameters)
                return await TwilioLeg.open(endpoint, self.streams, call_id)
            case RealtimeConnection():
                model = RealtimeEndpoint(
                    connection.base_url,
                    connection.model,
                    org_id,
                    self.secrets.resolve(org_id, connection.api_key_ref),
                    connection.voice,
                    connection.instructions,
                )
                return await RealtimeLeg.open(model, self.streams, greets=greets)
