"""A stock Pipecat agent is called, with speech both ways: its services are pointed at the local speech server."""

import asyncio
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from deploy.local.children import dies_with_parent
from deploy.local.log_end import end_of
from deploy.local.ports import free_port
from deploy.local.settings import LOCAL, ROOT
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import CallLimits
from services.caller.domain.measures import CallMeasures
from services.caller.domain.media import Speech
from services.caller.domain.voice.end import VoiceEnd
from services.caller.domain.voice.phone import Conduct, Phone
from services.caller.edges.calls.expecting import expected_lines
from services.caller.edges.calls.studio import voice_activity
from services.caller.edges.media.clock import Clock
from services.caller.edges.media.measuring import Lateness, Measuring
from services.caller.edges.media.recorder import Recorder, recording_thread
from services.caller.edges.parties.offline.bot import OfflineBot
from services.caller.edges.speech.endpoint import speech_over
from services.caller.edges.speech.reached import SpeechEndpoint
from services.caller.edges.streams.twilio import TwilioLeg
from tests.support.stream_script import ticking
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import some_pools
from tests.unit.caller.streams.calls import a_call

pytestmark = [pytest.mark.pipecat, pytest.mark.timeout(600)]

PYTHON = LOCAL / "pipecat" / "bin" / "python"
AGENT = Path(__file__).with_name("agent.py")
READY_SECONDS = 120.0
TALK_SECONDS = 240.0
SILENT_WITHIN_MS = 1_000  # after it was talked over; None where its pause came first
PROMPT = """You call a shop about your order. Your name is Martin Weber.
If asked for the order number, say 1 2 3 4 5. Goal: find out when the order arrives, and what the opening hours are.
Then thank them and say goodbye."""


@asynccontextmanager
async def a_process(log: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one for a while, which must not end by itself."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=out, stderr=out, preexec_fn=dies_with_parent
        )
    try:
        yield process
        assert process.returncode is None, end_of(log)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def a_pipecat_agent(speech_base_url: str, folder: Path) -> AsyncIterator[str]:
    """Run one in its own environment; yield its address."""
    mind_port, port, log = free_port(), free_port(), folder / "agent.log"
    mind = f"http://127.0.0.1:{mind_port}/v1"
    async with (
        a_process(folder / "mind.log", sys.executable, "-m", "tests.pipecat.mind", str(mind_port)),
        a_process(log, str(PYTHON), str(AGENT), str(port), speech_base_url, mind) as process,
    ):

        def answers() -> bool:
            assert process.returncode is None, end_of(log)
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1):
                return True
            return False

        async def ready() -> bool:
            return await asyncio.to_thread(answers)

        await eventually(ready, within_seconds=READY_SECONDS, what="the agent takes calls")
        yield f"ws://127.0.0.1:{port}/media"


@asynccontextmanager
async def speaking(base_url: str) -> AsyncIterator[Speech]:
    pools = some_pools()
    speech = speech_over(pools, SpeechEndpoint(base_url, "tts-1", "whisper-1"))
    try:
        yield speech
    finally:
        await speech.aclose()
        await pools.aclose()


async def held(
    leg: TwilioLeg, clock: Clock, speech: Speech, file: Path, conduct: Conduct
) -> tuple[Conversation, CallMeasures]:
    """A whole call by the bot's voice, recorded."""
    measuring, thread = Measuring(), recording_thread()
    recorder = Recorder(file, thread)

    def record(said: bytes, heard: bytes) -> None:
        measuring.add(said, heard)
        recorder.add(said, heard)

    call_clock = CallClock(1.0, lambda: True)
    phone = Phone(leg, clock, call_clock, CallLimits.for_held_minutes(5), voice_activity(), leg.hang_up, record)
    expected = await expected_lines(PROMPT, "Pat", bot_answers=False)
    end = VoiceEnd(
        "bot", OfflineBot(PROMPT), phone, speech=speech, voice="rms", first=False, expected=expected, conduct=conduct
    )
    skipped = clock.skipped()
    async with asyncio.timeout(TALK_SECONDS):
        conversation = await end.talk()
    await recorder.finish()
    thread.shutdown()
    return conversation, measuring.measures(Lateness(leg.heard_late(), skipped_ticks=clock.skipped() - skipped))


def tell(conversation: Conversation, measures: CallMeasures, leg: TwilioLeg) -> None:
    print()
    for turn in conversation.turns:
        print(f"{turn.start_ms:7} {turn.end_ms:7} {turn.role:10} {turn.content}")
    late_ms = round(leg.heard_late().mean_ms)
    print(conversation.end_reason, conversation.duration_ms, measures, leg.stats(), late_ms, sep="\n")


async def test_a_stock_agent_is_called_and_talks(speech_server: str, tmp_path: Path) -> None:
    async with (
        a_pipecat_agent(speech_server, tmp_path) as url,
        speaking(speech_server) as speech,
        ticking() as clock,
        a_call(url) as leg,
    ):
        conversation, measures = await held(leg, clock, speech, tmp_path / "call.wav", Conduct())
    tell(conversation, measures, leg)
    said = {role: [turn.content for turn in conversation.turns if turn.role == role] for role in ("user", "assistant")}
    assert conversation.end_reason in ("caller_hangup", "agent_end")
    assert min(len(lines) for lines in said.values()) >= 2
    assert "northwind" in said["assistant"][0].lower()
    assert measures.agent_latency_p50_ms is not None
    assert leg.stats().received > 0


async def test_a_stock_agent_that_is_talked_over_falls_silent(speech_server: str, tmp_path: Path) -> None:
    async with (
        a_pipecat_agent(speech_server, tmp_path) as url,
        speaking(speech_server) as speech,
        ticking() as clock,
        a_call(url) as leg,
    ):
        conduct = Conduct(interrupt_after_ms=800, interruptions=1)
        conversation, measures = await held(leg, clock, speech, tmp_path / "call.wav", conduct)
    tell(conversation, measures, leg)
    greeting, interruption = [turn for turn in conversation.turns if turn.role in ("user", "assistant")][:2]
    assert interruption.start_ms < greeting.end_ms
    assert "help you" not in greeting.content.lower(), "what it was about to say is not said"
    assert measures.barge_in_stop_ms is None or measures.barge_in_stop_ms <= SILENT_WITHIN_MS
