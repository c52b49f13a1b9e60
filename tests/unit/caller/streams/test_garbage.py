"""What an agent sends may be anything: it ends neither the process, nor another call, and leaves nothing behind."""

import asyncio
import json
import os
import struct
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from services.caller.domain.media import SILENCE
from services.caller.edges.streams import metering, playout, reaching, wire
from services.caller.edges.streams.playout import MAX_BUFFERED_MS, MAX_MARKS
from services.caller.edges.streams.realtime import RealtimeLeg
from services.caller.edges.streams.realtime_address import RealtimeEndpoint
from services.caller.edges.streams.sound import MULAW
from services.caller.edges.streams.twilio import TwilioLeg
from tests.support.stream_agent import Session, a_stream_agent
from tests.support.stream_mutations import DEPTH, spoilt
from tests.support.stream_realtime import a_realtime_server
from tests.support.waiting import eventually
from tests.unit.caller.streams.calls import FRAME, ORG, a_call, some_streams, tasks_of_streams

SEED = int(os.environ.get("REHEARSAL_SEED", "1"))
BLOCK = 500  # mutations for one call, fewer than may come at once
PAYLOAD = b64encode(FRAME).decode()
PART = {"event_id": "event_1", "response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
CALL = {"type": "function_call", "name": "look_up", "arguments": "{}", "call_id": "call_1"}
SPOKEN_BY_AGENTS: list[dict[str, Any]] = [
    {"event": "media", "streamSid": "MZ", "media": {"payload": PAYLOAD}},
    {"event": "media", "media": {"payload": PAYLOAD}},
    {"event": "mark", "mark": {"name": "one"}},
    {"event": "clear"},
]
SPOKEN_BY_MODELS: list[dict[str, Any]] = [
    {"type": "session.updated", "session": {}},
    {"type": "error", "error": {"code": "x", "message": "m"}},
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "response.output_audio.delta", "delta": PAYLOAD, **PART},
    {"type": "response.audio.delta", "delta": PAYLOAD, **PART, "item_id": "item_2"},
    {"type": "response.output_audio_transcript.delta", "delta": "Hello", **PART},
    {"type": "response.output_audio_transcript.done", "transcript": "Hello there.", **PART},
    {"type": "response.output_item.done", "item": CALL},
    {"type": "response.done", "response": {"status": "completed"}},
    {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0},
]

Leg = TwilioLeg | RealtimeLeg


@dataclass
class Peer:
    """Whoever sends the garbage."""

    leg: Leg
    session: Any

    async def send(self, written: bytes) -> None:
        """Send bytes as a text where they are one: what claims to be a text and is none ends a call, as it should."""
        try:
            await self.session.connection.send(written.decode())
        except UnicodeDecodeError:
            await self.session.connection.send(written)

    async def hears_us(self) -> None:
        """Wait until a frame of ours has come, and what was sent before it has been worked on."""
        before = len(self.session.sound)

        async def heard() -> bool:
            self.leg.exchange(SILENCE)
            return len(self.session.sound) > before

        await eventually(heard)
        await (await self.session.connection.ping())


@asynccontextmanager
async def called(protocol: str) -> AsyncIterator[Peer]:
    if protocol == "twilio":
        async with a_stream_agent() as agent, a_call(agent.url) as leg:
            yield Peer(leg, agent.session)
        return
    async with a_realtime_server() as server:
        model = await RealtimeLeg.open(RealtimeEndpoint(server.base_url, "m", ORG), some_streams(), greets=False)
        try:
            yield Peer(model, server.session)
        finally:
            await model.hang_up()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def pelt(protocol: str, seed: int) -> None:
    """Send a block of mutations in one call, which goes on."""
    messages = SPOKEN_BY_AGENTS if protocol == "twilio" else SPOKEN_BY_MODELS
    async with called(protocol) as peer:
        for written in spoilt(messages, seed, BLOCK):
            await peer.send(written)
            peer.leg.exchange(SILENCE)
        await peer.hears_us()
        assert peer.leg.ended is None


async def pelt_all(protocol: str, seed: int, blocks: int) -> None:
    there = open_files()
    for block in range(blocks):
        await pelt(protocol, seed * 1_000 + block)
    assert tasks_of_streams() == []

    async def closed() -> bool:
        return open_files() <= there

    await eventually(closed, what="every socket is closed")


@pytest.mark.parametrize("protocol", ["twilio", "realtime"])
async def test_10_000_spoilt_messages_leave_nothing_behind(protocol: str) -> None:
    await pelt_all(protocol, SEED, 10_000 // BLOCK)


@pytest.mark.campaign
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("protocol", ["twilio", "realtime"])
async def test_300_000_spoilt_messages_leave_nothing_behind(protocol: str) -> None:
    await pelt_all(protocol, SEED + 1, 300_000 // BLOCK)


GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "half": b'{"event":"media","media":{"payl',
    "no object": b"[1,2]",
    "a number": b"1",
    "nested": b"[" * 100_000,
    "nested in an object": b'{"event":' * DEPTH,
    "a long number": b'{"event":' + b"9" * 10_000 + b"}",
    "wrong types": b'{"event":["media"],"media":7,"type":{"a":1}}',
    "no payload": b'{"event":"media","media":{}}',
    "a payload that is no text": b'{"event":"media","media":{"payload":[1]}}',
    "a payload that is no base64": b'{"event":"media","media":{"payload":"\\u00fc%%%"}}',
    "a payload cut short": b'{"event":"media","media":{"payload":"abcde"}}',
    "a mark without a name": b'{"event":"mark"}',
    "a long mark": b'{"event":"mark","mark":{"name":"' + b"x" * 10_000 + b'"}}',
    "another stream": b'{"event":"clear","streamSid":"MZother"}',
    "a stream of another type": b'{"event":"clear","streamSid":[]}',
    "an event that nobody knows": b'{"event":"dance","type":null}',
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("protocol", ["twilio", "realtime"])
async def test_after_garbage_the_call_goes_on(protocol: str, garbage: bytes) -> None:
    async with called(protocol) as peer:
        await peer.send(garbage)
        await peer.hears_us()
        await peer.session.say(FRAME)

        async def played() -> bool:
            return peer.leg.exchange(SILENCE) == MULAW.decode(FRAME)

        await eventually(played)
        assert peer.leg.ended is None


async def test_binary_messages_are_not_read() -> None:
    async with called("twilio") as peer:
        await peer.session.connection.send(json.dumps(SPOKEN_BY_AGENTS[0]).encode())
        await peer.hears_us()
        assert peer.leg.stats().received == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\x7f" + struct.pack("!Q", 2**62),  # a message of 4 EiB
        b"\x81\x7f" + struct.pack("!Q", 2 * 1_024 * 1_024) + b" " * 2 * 1_024 * 1_024,
        b"\x81\x02\xff\xfe",  # no UTF-8
        b"\xf1\x00",  # bits that nobody agreed on
        b"\x80\x01a",  # the rest of nothing
        b"\x89\x7e\x01\x00" + b"a" * 256,  # a ping that is too long
        b"\x88\x01\x00",  # half a code
        b"\x81\x85\x00\x00\x00\x00hello",  # masked, as only clients may
        b"\x01\x01a\x01\x01b",  # a message within a message
        os.urandom(4_096),
    ],
)
async def test_broken_frames_end_the_call_alone(raw: bytes) -> None:
    async with called("twilio") as other, called("twilio") as peer:
        peer.session.connection.transport.write(raw)

        async def ended() -> bool:
            return peer.leg.ended is not None

        await eventually(ended)
        assert peer.leg.ended == "broken"
        await other.hears_us()
        assert other.leg.ended is None


@pytest.mark.parametrize("frame", [b"\x89\x00", b"\x81\x00", b"\x01\x00", b"\x8a\x00"])
async def test_a_flood_is_cut_off_before_it_holds_anybody_up(frame: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of two bytes cost their sender nothing, and us as much as a word."""
    longest_seconds = 0.0
    loop = asyncio.get_running_loop()

    async def feel() -> None:
        nonlocal longest_seconds
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest_seconds = max(longest_seconds, loop.time() - before)

    async with called("twilio") as other, called("twilio") as peer:
        flood = (frame if frame[0] != 0x01 else b"\x00\x00") * 1_000_000
        feeling = asyncio.create_task(feel())
        peer.session.connection.transport.write((frame if frame[0] == 0x01 else b"") + flood)

        async def ended() -> bool:
            return peer.leg.ended is not None

        await eventually(ended)
        feeling.cancel()
        assert peer.leg.ended == "broken"
        await other.hears_us()
    assert longest_seconds < 1, "a million frames would hold the process up for seconds"


async def test_more_bytes_than_speech_has_are_cut_off() -> None:
    """A megabyte of brackets is a message that takes long to read."""
    brackets = "[" + "[],[]," * 150_000 + "[]]"
    async with called("twilio") as other, called("twilio") as peer:
        with suppress(ConnectionClosed):
            for _ in range(metering.MAX_BURST_BYTES // len(brackets) + 10):
                await peer.session.connection.send(brackets)

        async def ended() -> bool:
            return peer.leg.ended is not None

        await eventually(ended)
        assert peer.leg.ended == "broken"
        await other.hears_us()


async def test_a_whole_answer_may_come_at_once() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        peer = Peer(leg, agent.session)
        await peer.hears_us()
        count = 60_000 // 20
        for _ in range(count):
            await agent.session.say(FRAME)

        async def came() -> bool:
            return leg.stats().received == count

        await eventually(came)
        assert leg.ended is None


async def test_sound_beyond_the_limit_is_cut_and_told(caplog: pytest.LogCaptureFixture) -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        peer = Peer(leg, agent.session)
        await peer.hears_us()
        for _ in range(MAX_BUFFERED_MS // 60_000 + 1):
            await agent.session.say(FRAME * (60_000 // 20))
        await peer.hears_us()
        assert leg._playout.buffered_ms <= MAX_BUFFERED_MS
    (told,) = (record for record in caplog.records if "not as it should be" in record.message)
    assert told.__dict__["faults"] == {"sound_cut": 1}


async def test_marks_beyond_the_limit_are_cut() -> None:
    async with a_stream_agent() as agent, a_call(agent.url) as leg:
        peer = Peer(leg, agent.session)
        await peer.hears_us()
        await agent.session.say(FRAME * 1_000)
        for number in range(MAX_MARKS + 10):
            await agent.session.mark(str(number))
        await agent.session.send("clear")

        async def all_back() -> bool:
            return len(agent.session.of("mark")) >= MAX_MARKS

        await eventually(all_back)
        await peer.hears_us()
        assert len(agent.session.of("mark")) == MAX_MARKS


async def test_an_agent_that_does_not_read_ends_its_call_and_the_tick_never_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "MAX_UNSENT_BYTES", 16 * 1_024)

    async def stop_reading(session: Session, message: object) -> None:
        session.connection.transport.pause_reading()

    async with a_stream_agent(stop_reading) as agent, a_call(agent.url) as leg:

        async def ended() -> bool:
            for _ in range(2_000):
                leg.exchange(SILENCE)
            return leg.ended is not None

        await eventually(ended, within_seconds=60)
        assert leg.ended == "broken"
        agent.session.connection.transport.abort()
    assert tasks_of_streams() == []


async def test_an_agent_that_answers_no_ping_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "PING_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(reaching, "PONG_LIMIT_SECONDS", 0.2)

    async def freeze(session: Session, message: dict[str, Any]) -> None:
        if message["event"] == "media":
            session.connection.transport.pause_reading()

    async with a_stream_agent(freeze) as agent, a_call(agent.url) as leg:

        async def ended() -> bool:
            leg.exchange(SILENCE)
            return leg.ended is not None

        await eventually(ended)
        assert leg.ended == "broken"
        agent.session.connection.transport.abort()


async def test_hanging_up_on_an_agent_that_does_not_close_takes_a_named_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CLOSE_LIMIT_SECONDS", 0.2)

    async def freeze(session: Session, message: object) -> None:
        session.connection.transport.pause_reading()

    async with a_stream_agent() as agent:
        async with a_call(agent.url) as leg:
            await Peer(leg, agent.session).hears_us()
            agent.session.connection.transport.pause_reading()
            async with asyncio.timeout(10):
                await leg.hang_up()
                await leg.hang_up()
        agent.session.connection.transport.abort()
    assert tasks_of_streams() == []


def test_limits_have_room_for_each_other() -> None:
    """A whole answer in frames is fewer messages than may come at once, and has room in what is kept."""
    assert metering.MAX_BURST_MESSAGES * 20 <= playout.MAX_BUFFERED_MS
