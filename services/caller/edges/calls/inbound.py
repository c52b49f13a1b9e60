"""The platform's own inbound side: answers the calls over SIP that this process expects, and no other.

Each has a token that only its INVITE carries, good for one call and only from where that call is placed. A stranger has
none; one that was overheard lets nobody else in, and keeps nobody out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_urlsafe

from services.caller.domain.impairments import Impairments
from services.caller.edges.calls.legs import Answered, over_sip
from services.caller.edges.media.ports import MediaPort, Ports, PortsUsedUp
from services.caller.edges.sip.agent import Accept, Address, Invited, Refuse, SipCall
from services.caller.edges.sip.door import TOKEN_HEADER
from shared.telemetry import logs

ANNOUNCE_SECONDS = 5.0
BUSY, TEMPORARILY_UNAVAILABLE, SERVICE_UNAVAILABLE = 486, 480, 503

log = logs.logger(__name__)

# Tells the API of a call that comes in: run, Call-ID, from, to, when. Returns the id of its log; None: it has none.
Announce = Callable[[int, str, str, str, datetime], Awaitable[int | None]]


async def announced_to_nobody(run_id: int, sip_call_id: str, from_: str, to: str, invited_at: datetime) -> None:
    """Where nobody is told, no log is made."""


@dataclass(slots=True, eq=False)
class Expected:
    """A call that is about to come in from `source`. `refuse_with`: what to answer, after so many seconds."""

    run_id: int
    number: str
    source: Address
    refuse_with: int | None = None
    after_seconds: float = 0.0
    impairments: Impairments | None = None
    token: str = field(default_factory=lambda: token_urlsafe(24))
    call_id: int | None = None  # of its log
    answered: asyncio.Future[Answered] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Inbound:
    """What this process expects."""

    def __init__(self, ports: Ports, announce: Announce, skipped: Callable[[], int]) -> None:
        self._ports = ports
        self._announce = announce
        self._skipped = skipped
        self._by_token: dict[str, Expected] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def expect(self, expected: Expected) -> None:
        """Let a call in. `forget` has to follow."""
        self._by_token[expected.token] = expected

    def forget(self, expected: Expected) -> None:
        """Let it in no more. *Idempotent.*"""
        self._by_token.pop(expected.token, None)
        if not expected.answered.done():
            expected.answered.cancel()

    def knows_token(self, token: str) -> bool:
        """Say whether a call with this token is expected."""
        return token in self._by_token

    def knows_number(self, number: str) -> bool:
        """Say whether a call to this number is expected."""
        return any(one.number == number for one in self._by_token.values())

    async def invited(self, invited: Invited) -> Accept | Refuse:
        """Answer a call that is expected, once; the API hears of it before."""
        expected = self._by_token.get(invited.headers.get(TOKEN_HEADER.lower(), ""))
        if expected is None or (expected.number, expected.source) != (invited.to_user, invited.source):
            return Refuse(TEMPORARILY_UNAVAILABLE)
        del self._by_token[expected.token]
        await asyncio.sleep(expected.after_seconds)
        if expected.refuse_with is not None:
            return Refuse(expected.refuse_with)
        expected.call_id = await self._announced(expected.run_id, invited)
        try:
            port = self._ports.take()
        except PortsUsedUp:
            return Refuse(SERVICE_UNAVAILABLE)
        return Accept((port.host, port.port), lambda call: self._answered(expected, call, port), abandoned=port.release)

    async def _announced(self, run_id: int, invited: Invited) -> int | None:
        """Tell the API. A call that could not be announced is answered all the same: it is the run's that matters."""
        try:
            async with asyncio.timeout(ANNOUNCE_SECONDS):
                return await self._announce(
                    run_id, invited.call_id, invited.from_number, invited.to_user, datetime.now(UTC)
                )
        except Exception as error:
            log.warning("a call was not announced", extra={"run_id": run_id, "error": logs.error_name(error)})
            return None

    def _answered(self, expected: Expected, call: SipCall, port: MediaPort) -> None:
        answered = over_sip(call, port, self._skipped, expected.impairments)
        if expected.answered.done():  # nobody waits for it any more
            hang_up = asyncio.ensure_future(answered.hang_up())
            hang_up.add_done_callback(lambda _: None)
        else:
            expected.answered.set_result(answered)
