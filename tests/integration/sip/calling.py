"""How tests place calls and take them."""

import asyncio
from collections.abc import Awaitable

from services.caller.edges.sip.agent import Accept, Address, CallRefused, Credentials, Invited, Placing, SipCall
from services.caller.edges.sip.user_agent import UserAgent
from tests.support.sip_peer import NUMBER, SDP, Said, SipPeer, tables, where
from tests.support.waiting import eventually

LOCAL_MEDIA = ("127.0.0.1", 30_000)


def placing(to: Address, *, ring_limit_seconds: float = 10.0, credentials: Credentials | None = None) -> Placing:
    """A call to a far end."""
    return Placing(
        uri=f"sip:{NUMBER}@{to[0]}:{to[1]}",
        address=to,
        from_number="+4915",
        local_media=LOCAL_MEDIA,
        credentials=credentials,
        ring_limit_seconds=ring_limit_seconds,
    )


def place(agent: UserAgent, peer: SipPeer, *, ring_limit_seconds: float = 10.0) -> asyncio.Task[SipCall]:
    """Place a call in the background."""
    return asyncio.create_task(agent.place(placing(peer.address, ring_limit_seconds=ring_limit_seconds)))


async def refusal(call: Awaitable[SipCall]) -> CallRefused:
    """Return why a call was refused."""
    try:
        await call
    except CallRefused as refused:
        return refused
    raise AssertionError("the call was answered")


async def a_call_placed(
    agent: UserAgent, peer: SipPeer, headers: dict[str, str] | None = None
) -> tuple[SipCall, Said, Said]:
    """A call that the far end has answered, its INVITE and its ACK."""
    task = place(agent, peer)
    invite = await peer.next("INVITE")
    peer.answer(invite, 200, sdp=SDP, headers=headers)
    ack = await peer.next("ACK")
    return await task, invite, ack


class Taken:
    """An inbound side that answers at once, or when it is told."""

    def __init__(self) -> None:
        self.invited: list[Invited] = []
        self.calls: asyncio.Queue[SipCall] = asyncio.Queue()
        self.abandoned = 0
        self.cancelled = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, invited: Invited) -> Accept:
        self.invited.append(invited)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Accept(LOCAL_MEDIA, self.calls.put_nowait, self._gone)

    def _gone(self) -> None:
        self.abandoned += 1


async def a_call_taken(agent: UserAgent, peer: SipPeer, headers: str = "") -> tuple[SipCall, Said, str]:
    """A call that the far end has placed, the 200 to it, and its Call-ID."""
    taken = Taken()
    agent.on_invite(taken)
    call = "call-taken"
    peer.send(peer.invite(where(agent), call=call, headers=headers), where(agent))
    await peer.next("180")
    answer = await peer.next("200")
    peer.send(peer.request("ACK", where(agent), call=call, to_tag=answer.to_tag), where(agent))
    async with asyncio.timeout(10):
        return await taken.calls.get(), answer, call


async def all_forgotten(agent: UserAgent) -> None:
    """Wait until the agent keeps nothing."""

    async def empty() -> bool:
        return not any(tables(agent).values())

    await eventually(empty, what=f"forgetting: {tables(agent)}")
