"""Agents behind SIP addresses of their own: each way in which a call ends there, and what the run is told of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.caller.domain.limits import CallLimits
from services.caller.domain.media import FRAME_BYTES, SILENCE
from services.caller.domain.voice import manners
from services.caller.edges.calls import ways
from services.caller.edges.calls.legs import peer_of
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.ports import Ports
from services.caller.edges.media.rtp_leg import RtpLeg
from services.caller.edges.sip.agent import Accept, Invited, Refuse, SipCall
from services.caller.edges.sip.door import Door
from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.user_agent import UserAgent
from shared.events.admissions import TestCallDispatched
from shared.events.connection import SipConnection
from tests.integration.calls.exchange import HOST, Exchange, an_exchange
from tests.integration.calls.test_loopback import Scripted, holds_nothing
from tests.support.buzzing import Buzzing, buzz
from tests.unit.caller.builders import BOT_NUMBER, a_dispatch, hangs_up


@dataclass
class Agent:
    """Somebody else's agent on the phone: answers as it is told, and says a line now and then."""

    answers: Callable[[Invited], Awaitable[Accept | Refuse]] | None = None
    says: list[bytes] = field(default_factory=list)
    hangs_up_after_frames: int | None = None
    invited: list[Invited] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    calls: list[SipCall] = field(default_factory=list)
    _leg: RtpLeg | None = None
    _sound: bytes = b""
    _parting: asyncio.Future[None] | None = None

    def tick(self, late_ms: float) -> None:
        assert self._leg is not None
        frame, self._sound = (self._sound[:FRAME_BYTES] or SILENCE), self._sound[FRAME_BYTES:]
        self.heard.append(self._leg.exchange(frame))
        if len(self.heard) == self.hangs_up_after_frames:
            self._parting = asyncio.ensure_future(self.calls[0].hang_up())

    def hung_up(self, clock: Clock) -> None:
        clock.remove(self)
        if self._leg is not None:
            self._leg.close()


@asynccontextmanager
async def answering(agent: Agent, clock: Clock, ports: Ports) -> AsyncIterator[int]:
    """Let it be reached; yields its SIP port."""
    door = Door(lambda token: True, lambda number: True)
    phone = UserAgent(may_dial=lambda address: True, door=door, timing=Timing(t1_seconds=0.1))
    await phone.start(HOST, 0)

    async def invited(invited: Invited) -> Accept | Refuse:
        agent.invited.append(invited)
        if agent.answers is not None:
            return await agent.answers(invited)
        port = ports.take()

        def answered(call: SipCall) -> None:
            agent.calls.append(call)
            agent._leg = RtpLeg(port, peer_of(call))
            agent._sound = b"".join(agent.says)
            clock.add(agent)
            call.ended.add_done_callback(lambda _: agent.hung_up(clock))

        return Accept((port.host, port.port), answered, port.release)

    phone.on_invite(invited)
    try:
        yield phone.port
    finally:
        await phone.aclose()


def to(port: int, **fields: Any) -> TestCallDispatched:
    """A call to an agent at this port."""
    dispatch = a_dispatch(mode="sip", **fields)
    connection = SipConnection(kind="sip", uri=f"sip:agent@{HOST}:{port}")
    return dispatch.model_copy(update={"target": dispatch.target.model_copy(update={"connection": connection})})


async def called(exchange: Exchange, agent: Agent, **fields: Any) -> tuple[str, str, list[str]]:
    async with answering(agent, exchange.clock, Ports(HOST, 33_000, 33_099, reuse_after_seconds=0.0)) as port:
        held, _ = await exchange.run(to(port, **fields))
        await holds_nothing(exchange)
    return held.end_reason, held.error_message, [turn.content for turn in held.turns]


def refusing(status: int) -> Agent:
    async def answers(invited: Invited) -> Refuse:
        return Refuse(status)

    return Agent(answers)


@pytest.mark.parametrize(
    ("status", "words"),
    [(486, "busy"), (600, "busy"), (603, "declined"), (404, "not"), (488, "G.711"), (503, "503"), (403, "forbade")],
)
async def test_an_agent_that_refuses_fails_the_run_with_a_sentence(tmp_path: Path, status: int, words: str) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=33_200) as exchange:
        end_reason, sentence, turns = await called(exchange, refusing(status))
    assert end_reason == "error"
    assert words.lower() in sentence.lower()
    assert turns == []


async def test_an_agent_that_does_not_pick_up_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "RING_LIMIT_SECONDS", 1.0)

    async def rings_for_ever(invited: Invited) -> Refuse:
        await asyncio.Event().wait()
        return Refuse(480)

    async with an_exchange(tmp_path, Scripted(), first_port=33_400) as exchange:
        end_reason, sentence, _ = await called(exchange, Agent(rings_for_ever))
    assert (end_reason, "answer" in sentence) == ("error", True)


async def test_an_address_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=33_600) as exchange:
        held, sound = await exchange.run(to(9))
        assert held.end_reason == "error"
        assert held.error_message == "Nothing answered at the agent's SIP address"
        assert sound is None
        await holds_nothing(exchange)


async def test_an_agent_that_hangs_up_first_ends_the_call_in_order(tmp_path: Path) -> None:
    agent = Agent(says=[buzz(720)], hangs_up_after_frames=150)
    async with an_exchange(tmp_path, Scripted(), first_port=33_800) as exchange:
        end_reason, sentence, _ = await called(exchange, agent)
    assert (end_reason, sentence) == ("agent_end", "")
    assert agent.invited[0].from_number == BOT_NUMBER, "the perceived caller id"


async def test_an_agent_that_never_hangs_up_is_hung_up_on_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CallLimits, "for_held_minutes", lambda minutes: CallLimits(2_000))
    agent = Agent(says=[buzz(20_000)])
    async with an_exchange(tmp_path, Scripted(), first_port=34_000) as exchange:
        end_reason, sentence, _ = await called(exchange, agent)
    assert (end_reason, sentence) == ("timeout", "")
    assert agent.calls[0].ended.result().by == "far_end"


async def test_an_agent_that_says_nothing_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "HELLO_AFTER_MS", 500)
    monkeypatch.setattr(manners, "GIVE_UP_AFTER_MS", 500)
    async with an_exchange(tmp_path, Scripted(), first_port=34_200) as exchange:
        end_reason, sentence, turns = await called(exchange, Agent())
    assert (end_reason, sentence) == ("error", "The agent answered and never said a word")
    assert turns == [manners.HELLO]


async def test_an_agent_cannot_be_made_to_call(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Scripted(), first_port=34_400) as exchange:
        agent = Agent()
        end_reason, sentence, _ = await called(exchange, agent, direction="inbound")
    assert (end_reason, sentence) == ("error", ways.NOT_CALLED_BY_IT)
    assert agent.invited == []


async def test_the_bot_stops_when_the_agent_talks_over_it(tmp_path: Path) -> None:
    speech = Buzzing()
    long_line = "a line that is as long as its number says"
    for nth in range(40):
        await speech.say(f"filler {nth}", "")
    parties = Scripted(bot_lines=(long_line, hangs_up("Goodbye.")), agent_lines=())
    agent = Agent(says=[buzz(720), bytes(16_000 * 2), buzz(1_500)], hangs_up_after_frames=400)
    async with an_exchange(tmp_path, parties, first_port=34_600, speech=speech) as exchange:
        _, _, turns = await called(exchange, agent)
    cut = [line for line in turns if line and long_line.startswith(line)]
    assert cut
    assert cut[0] != long_line
