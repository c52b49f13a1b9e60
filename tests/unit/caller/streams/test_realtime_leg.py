"""A call to a model behind a Realtime API: the session as we need it, words beside sound, interruptions, tools."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.caller.domain.media import FRAME_SAMPLES, SILENCE
from services.caller.edges.streams.failures import NotOpened
from services.caller.edges.streams.realtime import MAX_TOOLS_OF_CALL, RealtimeLeg
from services.caller.edges.streams.realtime_address import RealtimeEndpoint, realtime_headers, realtime_url
from services.caller.edges.streams.sound import BYTES_PER_MS, MULAW
from tests.support.stream_realtime import RealtimeServer, a_realtime_server
from tests.support.waiting import eventually
from tests.unit.caller.streams.calls import FRAME, ORG, some_streams, tasks_of_streams

SECOND = FRAME * 50
KEY = "sk-very-secret"


@asynccontextmanager
async def a_call(server: RealtimeServer, *, greets: bool = False) -> AsyncIterator[RealtimeLeg]:
    """Call a model, and hang up at the end."""
    endpoint = RealtimeEndpoint(server.base_url, "gpt-realtime", ORG, KEY, "marin", "Be kind.")
    leg = await RealtimeLeg.open(endpoint, some_streams(), greets=greets)
    try:
        yield leg
    finally:
        await leg.hang_up()


async def came(leg: RealtimeLeg, received: int) -> None:
    async def all_came() -> bool:
        return leg.stats().received == received

    await eventually(all_came, what=f"{received} pieces of sound")


async def heard(server: RealtimeServer, kind: str, count: int = 1) -> None:
    async def enough() -> bool:
        return len(server.session.of(kind)) >= count

    await eventually(enough, what=f"{count} × {kind}")


def play(leg: RealtimeLeg, frames: int) -> bytes:
    return b"".join(leg.exchange(SILENCE) for _ in range(frames))


async def test_the_session_has_a_telephone_s_sound_and_the_agent_s_instructions() -> None:
    async with a_realtime_server() as server, a_call(server):
        session = server.session.of("session.update")[0]["session"]
        request = server.session.connection.request
    assert request is not None
    assert request.path == "/v1/realtime?model=gpt-realtime"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert session["audio"]["output"]["voice"] == "marin"
    assert session["instructions"] == "Be kind."
    assert [tool["name"] for tool in session["tools"]] == ["end_call", "transfer_call"]


@pytest.mark.parametrize("older", [False, True])
async def test_sound_and_words_come_through_whatever_the_events_are_called(older: bool) -> None:
    async with a_realtime_server(older=older) as server, a_call(server) as leg:
        leg.exchange(MULAW.decode(FRAME))
        await heard(server, "input_audio_buffer.append")
        assert MULAW.decode(server.session.sound) == MULAW.decode(FRAME)
        await server.session.say(FRAME * 25, "Hello there.")
        await came(leg, 1)
        assert play(leg, 25) == MULAW.decode(FRAME * 25)

        async def told() -> bool:
            play(leg, 1)
            return bool(said := leg.spoken()) and said[0].text == "Hello there."

        await eventually(told)
        assert len(server.session.of("session.update")) == (2 if older else 1)


async def test_what_was_played_is_told_with_its_place_and_only_then() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        play(leg, 10)
        await server.session.say(FRAME * 25, "Hello there.")
        await server.session.send("rate_limits.updated")
        await server.session.call("look_up")
        await heard(server, "response.create")
        play(leg, 24)
        assert leg.spoken() == ()
        play(leg, 1)
        (said,) = leg.spoken()
        assert (said.text, said.start_ms, said.end_ms, said.share) == ("Hello there.", 200, 700, 1.0)
        assert leg.spoken() == ()


async def test_an_agent_that_answers_the_telephone_is_asked_to_greet() -> None:
    async with a_realtime_server() as server, a_call(server, greets=True):
        await heard(server, "response.create")
        assert "phone rings" in json.dumps(server.session.of("conversation.item.create"))
    async with a_realtime_server() as server, a_call(server) as leg:
        leg.exchange(SILENCE)
        await heard(server, "input_audio_buffer.append")
        assert server.session.of("response.create") == []


async def test_an_agent_that_is_talked_over_is_silent_at_once_and_knows_how_far_it_came() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        await server.session.say(SECOND, "One two three four.", whole=False)
        await came(leg, 2)
        play(leg, 10)
        await server.session.send("input_audio_buffer.speech_started", audio_start_ms=200, item_id="item_0")
        await heard(server, "conversation.item.truncate")
        cut = server.session.of("conversation.item.truncate")[0]
        assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == ("item_1", 0, 200)
        assert play(leg, 5) == SILENCE * 5
        (said,) = leg.spoken()
        assert said.text == "One two three four."
        assert said.share == pytest.approx(0.2)
        # What it had on its way is not said any more; its next words are.
        await server.session.say(SECOND, "One two three four.")
        await server.session.say(FRAME * 10, "Sorry?", item_id="item_2")
        await came(leg, 3)
        assert play(leg, 11) == MULAW.decode(FRAME) * 10 + SILENCE


async def test_speech_over_nothing_cuts_nothing() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        await server.session.say(FRAME, "Yes.")
        await came(leg, 1)
        play(leg, 3)
        await server.session.send("input_audio_buffer.speech_started", audio_start_ms=200, item_id="item_0")
        await server.session.call("look_up")
        await heard(server, "response.create")
        assert server.session.of("conversation.item.truncate") == []


async def test_an_agent_that_hangs_up_by_its_tool_says_goodbye_first() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        await server.session.say(FRAME * 10, "Goodbye.")
        await server.session.call("end_call")
        await heard(server, "conversation.item.create")
        assert leg.ending == "hang_up"
        assert leg.ended is None
        play(leg, 10)
        assert leg.ended == "far_end"
        assert [json.loads(use.call)["name"] for use in leg.tools()] == ["end_call"]
        assert server.session.of("response.create") == [], "nothing more is asked for"


async def test_a_tool_that_nobody_offered_is_noted_and_answered() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        await server.session.call("book", '{"day": "Monday"}', call_id="call_7")
        await heard(server, "response.create")
        (use,) = leg.tools()
        assert json.loads(use.call) == {"name": "book", "arguments": {"day": "Monday"}}
        (item,) = server.session.of("conversation.item.create")
        assert item["item"]["call_id"] == "call_7"
        assert json.loads(item["item"]["output"]) == {"name": "book", "response": {"ok": False}}
        assert leg.ended is None


async def test_tools_without_end_are_not_answered_without_end() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        for number in range(MAX_TOOLS_OF_CALL + 5):
            await server.session.call("look_up", call_id=f"call_{number}")
        await server.session.say(FRAME)
        await came(leg, 1)
        assert len(server.session.of("conversation.item.create")) <= MAX_TOOLS_OF_CALL
        assert len(leg.tools()) == MAX_TOOLS_OF_CALL


async def test_an_error_of_the_endpoint_s_does_not_end_the_call() -> None:
    async with a_realtime_server() as server, a_call(server) as leg:
        await server.session.refuse("item_truncate_invalid_item_id")
        await server.session.say(FRAME)
        await came(leg, 1)
        assert leg.ended is None


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("invalid_api_key", "refused the session: it did not accept the key"),
        ("model_not_found", "refused the session: it does not know this model"),
        ("something_new", "refused the session"),
    ],
)
async def test_a_session_that_is_refused_is_told(code: str, sentence: str) -> None:
    async with a_realtime_server(refuses=code) as server:
        with pytest.raises(NotOpened) as failed:
            async with a_call(server):
                pass
        assert tasks_of_streams() == []
    assert failed.value.sentence == f"The agent's endpoint {sentence}"
    assert failed.value.kind == "rejected"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime?model=m%202"),
        ("https://api.openai.com", "wss://api.openai.com/v1/realtime?model=m%202"),
        ("https://api.openai.com/v1/realtime/", "wss://api.openai.com/v1/realtime?model=m%202"),
        ("ws://one.test:8080/x/realtime?model=other", "ws://one.test:8080/x/realtime?model=other"),
        ("https://a.openai.azure.com", "wss://a.openai.azure.com/openai/v1/realtime?model=m%202"),
        (
            "https://a.openai.azure.com/openai/realtime?api-version=1&deployment=d",
            "wss://a.openai.azure.com/openai/realtime?api-version=1&deployment=d",
        ),
    ],
)
def test_usual_ways_to_write_an_address_lead_to_the_same_place(base_url: str, url: str) -> None:
    endpoint = RealtimeEndpoint(base_url, "m 2", ORG, KEY)
    assert realtime_url(endpoint) == url
    assert realtime_headers(endpoint).keys() == ({"api-key"} if "azure" in base_url else {"Authorization"})


@pytest.mark.parametrize("base_url", ["ftp://one.test", "nothing", "https://[::1"])
def test_what_is_no_address_is_refused(base_url: str) -> None:
    with pytest.raises(NotOpened, match="cannot be read"):
        realtime_url(RealtimeEndpoint(base_url, "m", ORG))


def test_a_frame_has_the_bytes_of_its_time() -> None:
    assert BYTES_PER_MS * 20 == FRAME_SAMPLES
