"""A spoken call between two ends: who speaks when, what stands in the transcript, and how it ends."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from services.caller.domain import limits
from services.caller.domain.call_clock import LeaseLost
from services.caller.domain.media import FRAME_MS, LegEnd, Spoken
from services.caller.domain.turn import Ending, PartyError, Reply, ToolUse, Turn
from services.caller.domain.voice import manners
from services.caller.domain.voice.phone import Conduct
from tests.unit.caller.builders import Script, hangs_up, said
from tests.unit.caller.voice.phones import WORD_MS, FarEnd, Leg, Network, is_voiced, noise

GREETING = "Hello how can I help you"
QUESTION = "I would like a refund please for my lamp"


async def a_spoken_call(bot: Script, agent: Script, network: Network | None = None) -> Network:
    network = network or Network()
    await network.talk(network.end("bot", bot, first=False), network.end("agent", agent, first=True))
    return network


async def test_two_ends_talk_until_one_hangs_up_and_both_know_what_was_said() -> None:
    network = Network()
    bot = network.end("bot", Script(QUESTION, hangs_up("thank you goodbye")), first=False)
    agent = network.end("agent", Script(GREETING, "It has been refunded"), first=True)
    heard_by_bot, heard_by_agent = await network.talk(bot, agent)
    lines = [
        ("assistant", GREETING),
        ("user", QUESTION),
        ("assistant", "It has been refunded"),
        ("user", "thank you goodbye"),
    ]
    assert [(turn.role, turn.content) for turn in heard_by_bot.turns] == lines
    assert [(turn.role, turn.content) for turn in heard_by_agent.turns] == lines
    assert (heard_by_bot.end_reason, heard_by_agent.end_reason) == ("caller_hangup", "caller_hangup")
    assert heard_by_bot.error_message == heard_by_agent.error_message == ""
    assert (network.bot_leg.hung_up, network.agent_leg.hung_up) == (1, 1)
    assert network.clock.idle


async def test_the_one_who_answers_speaks_first() -> None:
    network = Network()
    bot = network.end("bot", Script("Hello", hangs_up()), first=True)
    agent = network.end("agent", Script(GREETING), first=False)
    held, _ = await network.talk(bot, agent)
    assert held.turns[0].role == "user"


async def test_an_agent_that_hangs_up_first_ends_the_call_in_order_and_its_last_words_are_kept() -> None:
    network = Network()
    bot = network.end("bot", Script(QUESTION), first=False)
    agent = network.end("agent", Script(GREETING, hangs_up("we are closed goodbye")), first=True)
    held, other = await network.talk(bot, agent)
    assert (held.end_reason, held.error_message) == ("agent_end", "")
    assert said(held, "assistant") == [GREETING, "we are closed goodbye"]
    assert other.end_reason == "agent_end"


async def test_times_are_places_in_the_recording_to_the_frame() -> None:
    network = Network()
    bot = network.end("bot", Script(QUESTION, hangs_up("goodbye then")), first=False)
    agent = network.end("agent", Script(GREETING, "It has been refunded"), first=True)
    held, _ = await network.talk(bot, agent)
    channels = {"user": network.recorded.said, "assistant": network.recorded.heard}
    for role, channel in channels.items():
        turns = [turn for turn in held.turns if turn.role == role]
        voiced = {nth for nth, frame in enumerate(channel) if is_voiced(frame)}
        told = {nth for turn in turns for nth in range(turn.start_ms // FRAME_MS, turn.end_ms // FRAME_MS)}
        assert voiced == told
    assert held.duration_ms == len(network.recorded.said) * FRAME_MS


async def test_frames_that_the_clock_left_out_are_silence_in_the_recording_and_time_of_the_call() -> None:
    network = Network()
    far_end = FarEnd(network.agent_leg, network.clock, (1_000, network.speech.sound(GREETING)))
    talk = asyncio.create_task(network.end("bot", Script(hangs_up("wrong number")), first=False).talk())
    await network.clock.run_until(lambda: far_end.ms == 500)
    network.clock.left_out += 10
    await network.clock.run_until(talk.done)
    held = talk.result()
    assert held.duration_ms == len(network.recorded.heard) * FRAME_MS
    first = next(nth for nth, frame in enumerate(network.recorded.heard) if is_voiced(frame))
    assert held.turns[0].start_ms == first * FRAME_MS
    assert not any(is_voiced(frame) for frame in network.recorded.heard[25:35])
    assert len(network.recorded.heard) == len(network.bot_leg.given) + 10


@pytest.mark.parametrize("words_before", [3, 5])
async def test_an_agent_that_talks_over_the_bot_stops_it_and_only_what_was_spoken_is_told(words_before: int) -> None:
    network = Network()
    line = "one two three four five six seven eight nine ten eleven twelve"
    far_end = FarEnd(network.agent_leg, network.clock)
    end = network.end("bot", Script(line, hangs_up("goodbye")), first=True)
    talk = asyncio.create_task(end.talk())
    await network.clock.run_until(lambda: far_end.ms >= words_before * WORD_MS)
    far_end.say_now(network.speech.sound("wait a moment please I have a question"))
    began_ms = far_end.ms
    await network.clock.run_until(talk.done)
    held = talk.result()
    cut, interruption = held.turns[0], held.turns[1]
    assert interruption.content == "wait a moment please I have a question"
    assert 0 < cut.end_ms - began_ms <= manners.BARGE_IN_MS + 2 * FRAME_MS
    spoken = cut.content.split()
    assert spoken == line.split()[: len(spoken)]
    assert abs(len(spoken) - cut.end_ms // WORD_MS) <= 1
    assert cut.end_ms > interruption.start_ms, "both talked at once"


async def test_a_short_word_while_the_bot_talks_neither_stops_it_nor_gets_an_answer() -> None:
    network = Network()
    line = " ".join(["word"] * 12)
    far_end = FarEnd(network.agent_leg, network.clock, (600, network.speech.sound("mhm")))
    end = network.end("bot", Script(line, hangs_up("goodbye")), first=True)
    talk = asyncio.create_task(end.talk())
    await network.clock.run_until(lambda: far_end.ms >= 5_000)
    assert [turn.content for turn in end.turns] == [line, "mhm"]
    far_end.say_now(network.speech.sound("I see"))
    await network.clock.run_until(talk.done)
    assert [turn.content for turn in talk.result().turns] == [line, "mhm", "I see", "goodbye"]


async def test_a_bot_that_is_told_to_interrupt_talks_over_the_agent_once() -> None:
    network = Network()
    long_line = " ".join(f"word{nth}" for nth in range(40))
    far_end = FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(long_line)))
    bot = Script("stop please stop", hangs_up("goodbye"))
    end = network.end("bot", bot, first=False, conduct=Conduct(interrupt_after_ms=1_000, interruptions=1))
    talk = asyncio.create_task(end.talk())
    await network.clock.run_until(talk.done)
    held = talk.result()
    assert [turn.content for turn in held.turns] == [long_line, "stop please stop", "goodbye"]
    interruption = held.turns[1]
    assert 1_000 <= interruption.start_ms <= 1_400
    heard_so_far = bot.heard[0][-1].content.split()
    assert heard_so_far == long_line.split()[: len(heard_so_far)]
    assert abs(len(heard_so_far) - 1_000 // WORD_MS) <= 1
    assert far_end.ms > 8_000, "it answered when the agent had come to its end"


async def test_a_bot_that_keeps_silence_says_nothing_until_it_is_over() -> None:
    network = Network()
    end = network.end("bot", Script("Hello", hangs_up()), first=True, conduct=Conduct(quiet_from_ms=0, quiet_ms=5_000))
    agent = network.end("agent", Script("Yes hello there"), first=False)
    held, _ = await network.talk(end, agent)
    assert min(turn.start_ms for turn in held.turns if turn.role == "user") >= 5_000


async def test_digits_are_sent_when_the_agents_lines_are_over() -> None:
    network = Network()
    conduct = Conduct(digits=((1, "42#"), (0, "9")))
    end = network.end("bot", Script("Hi", hangs_up()), first=False, conduct=conduct)
    talk = asyncio.create_task(end.talk())
    FarEnd(network.agent_leg, network.clock, (1_000, network.speech.sound("press a key")))
    await network.clock.tick()
    assert network.bot_leg.pressed == "9"
    await network.clock.run_until(lambda: any(turn.role == "assistant" for turn in end.turns))
    await network.clock.tick()
    assert network.bot_leg.pressed == "942#"
    network.agent_leg.ended = network.bot_leg.ended = "far_end"
    await network.clock.run_until(talk.done)
    line = next(turn for turn in end.turns if turn.role == "assistant")
    first, second = [turn for turn in end.turns if turn.role == "tool_call"]
    assert [keys(turn) for turn in (first, second)] == [("9", "user"), ("42#", "user")]
    assert (first.start_ms, first.content_type) == (0, "application/json")
    assert second.start_ms >= line.end_ms


def keys(turn: Turn) -> tuple[str, str]:
    """Which keys a turn says that who has pressed."""
    told = json.loads(turn.content)
    assert told["name"] == "dtmf"
    return told["arguments"]["digits"], told["arguments"]["pressed_by"]


async def test_keys_that_are_heard_stand_where_they_came_those_of_one_go_as_one() -> None:
    network = Network()
    end = network.end("agent", Script(GREETING), first=True)
    talk = asyncio.create_task(end.talk())
    came_ms = {"4": 1_000, "2": 1_260, "#": 1_520, "7": 1_520 + manners.KEYS_END_MS + 500}
    pressed = [(ms, key) for key, ms in came_ms.items()]
    while network.clock.ticks * FRAME_MS < 6_000:
        if pressed and network.clock.ticks * FRAME_MS >= pressed[0][0]:
            network.bot_leg.send_digits(pressed.pop(0)[1])
        await network.clock.tick()
    network.bot_leg.send_digits("0")
    await network.clock.tick()
    network.agent_leg.ended = "far_end"
    await network.clock.run_until(talk.done)
    heard = [turn for turn in end.turns if turn.role == "tool_call"]
    assert [keys(turn) for turn in heard] == [("42#", "user"), ("7", "user"), ("0", "user")]
    for turn, key in zip(heard, ("4", "7"), strict=False):
        assert abs(turn.start_ms - came_ms[key]) <= FRAME_MS
    assert abs(heard[0].end_ms - came_ms["#"]) <= FRAME_MS
    assert [turn.start_ms for turn in end.turns] == sorted(turn.start_ms for turn in end.turns)


async def test_keys_without_end_are_told_in_pieces_that_can_be_read() -> None:
    network = Network()
    end = network.end("agent", Script(GREETING), first=True)
    talk = asyncio.create_task(end.talk())
    for _ in range(3 * manners.MAX_KEYS_OF_TURN):
        network.bot_leg.send_digits("1")
        await network.clock.tick()
    network.agent_leg.ended = "far_end"
    await network.clock.run_until(talk.done)
    told = [keys(turn)[0] for turn in end.turns if turn.role == "tool_call"]
    assert [len(digits) for digits in told] == [manners.MAX_KEYS_OF_TURN] * 3


async def test_an_agent_that_never_says_a_word_is_asked_once_whether_it_is_there_and_given_up() -> None:
    network = Network()
    (held,) = await network.talk(network.end("bot", Script(QUESTION), first=False))
    assert [turn.content for turn in held.turns] == [manners.HELLO]
    assert held.turns[0].start_ms == manners.HELLO_AFTER_MS
    assert (held.end_reason, held.error_message) == ("error", "The agent answered and never said a word")
    assert held.duration_ms - held.turns[0].end_ms == manners.GIVE_UP_AFTER_MS


async def test_an_agent_that_falls_silent_is_named_so() -> None:
    network = Network()
    FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
    (held,) = await network.talk(network.end("bot", Script(QUESTION), first=False))
    assert [turn.content for turn in held.turns] == [GREETING, QUESTION, manners.HELLO]
    assert (held.end_reason, held.error_message) == ("error", "The agent fell silent during the call")


@pytest.mark.parametrize(
    ("how", "end_reason", "sentence"),
    [
        ("far_end", "agent_end", ""),
        ("silent_line", "error", "No sound came from the agent any more: the line was silent"),
        ("broken", "error", "The connection to the agent broke during the call"),
    ],
)
async def test_a_leg_that_ends_ends_the_call_as_what_it_was(how: LegEnd, end_reason: str, sentence: str) -> None:
    network = Network()
    far_end = FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
    talk = asyncio.create_task(network.end("bot", Script(QUESTION), first=False).talk())
    await network.clock.run_until(lambda: far_end.ms == 1_000)  # in the middle of its sentence
    network.bot_leg.ended = how
    await network.clock.run_until(talk.done)
    held = talk.result()
    assert (held.end_reason, held.error_message) == (end_reason, sentence)
    assert said(held, "assistant") == ["Hello how can I help"], "what was heard until then"


async def test_the_longest_time_ends_a_call_in_the_middle_of_a_word() -> None:
    network = Network(max_call_ms=1_500)
    endless = " ".join(["word"] * 60)
    (held,) = await network.talk(network.end("bot", Script(endless), first=True))
    assert (held.end_reason, held.duration_ms) == ("timeout", 1_500)
    assert network.call_clocks["bot"].now_ms == 1_500


async def test_a_lost_lease_silences_the_line_within_a_tick_and_what_was_spoken_is_kept() -> None:
    network = Network()
    end = network.end("bot", Script(" ".join(["word"] * 60)), first=True)
    talk = asyncio.create_task(end.talk())
    await network.clock.run_until(lambda: len(network.bot_leg.given) == 50)
    network.lease = False
    given = len(network.bot_leg.given)
    await network.clock.run_until(talk.done)
    assert isinstance(talk.exception(), LeaseLost)
    assert len(network.bot_leg.given) == given
    assert network.bot_leg.hung_up == 1
    cut = end.cut("The caller was shut down during the call")
    assert (cut.end_reason, cut.error_message) == ("error", "The caller was shut down during the call")
    (turn,) = cut.turns
    assert set(turn.content.split()) == {"word"}
    assert abs(len(turn.content.split()) - given * FRAME_MS // WORD_MS) <= 1


async def test_a_lease_that_is_lost_while_nothing_ticks_ends_the_call_too() -> None:
    network = Network()
    talk = asyncio.create_task(network.end("bot", Script(QUESTION), first=False).talk())
    await network.clock.tick()
    network.lease = False
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(talk, 5)


async def test_what_fails_in_the_tick_ends_the_call_and_nothing_else() -> None:
    network = Network()

    def bad_record(said: bytes, heard: bytes) -> None:
        raise OSError("the disk is full")

    talk = asyncio.create_task(network.end("bot", Script(QUESTION), first=False, record=bad_record).talk())
    await network.clock.run_until(talk.done)
    with pytest.raises(OSError, match="the disk is full"):
        talk.result()
    assert network.clock.idle


async def test_a_mind_that_cannot_go_on_ends_the_call_with_its_sentence() -> None:
    network = Network()
    bot = Script(PartyError("The test bot's endpoint answered 500"))
    FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
    (held,) = await network.talk(network.end("bot", bot, first=False))
    assert (held.end_reason, held.error_message) == ("error", "The test bot's endpoint answered 500")
    assert said(held, "assistant") == [GREETING]


async def test_speech_that_cannot_be_read_once_is_read_again_and_twice_ends_the_call() -> None:
    for fails, reason in ((1, "caller_hangup"), (2, "error")):
        network = Network()
        network.speech.fails = fails
        FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
        (held,) = await network.talk(network.end("bot", Script(hangs_up("wrong number")), first=False))
        assert held.end_reason == reason
        assert held.error_message == ("" if fails == 1 else "Speech recognition is not available")


async def test_what_nobody_can_understand_is_told_as_inaudible_and_asked_for_again() -> None:
    network = Network()
    far_end = FarEnd(network.agent_leg, network.clock, (0, noise(1_000)))
    talk = asyncio.create_task(network.end("bot", Script(hangs_up("goodbye")), first=False).talk())
    await network.clock.run_until(lambda: far_end.ms >= 8_000)
    far_end.say_now(network.speech.sound(GREETING))
    await network.clock.run_until(talk.done)
    turns = [turn.content for turn in talk.result().turns]
    assert turns == [manners.INAUDIBLE, manners.SAY_AGAIN, GREETING, "goodbye"]


async def test_a_cough_is_no_line() -> None:
    network = Network()
    FarEnd(network.agent_leg, network.clock, (0, noise(300)), (3_000, network.speech.sound(GREETING)))
    (held,) = await network.talk(network.end("bot", Script(hangs_up("goodbye")), first=False))
    assert [turn.content for turn in held.turns] == [GREETING, "goodbye"]


class Thinker(Script):
    """A mind behind an endpoint: it is asked anew each time, and answers when it is let."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*(Reply(line, waited=True) for line in lines), hangs_up())
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        self.asked += 1
        await self.may_answer.wait()
        return await super().take_turn(turns)


async def test_a_mind_that_thinks_while_the_agent_goes_on_is_asked_anew_with_all_that_was_said() -> None:
    network = Network()
    bot = Thinker(QUESTION)
    far_end = FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
    talk = asyncio.create_task(network.end("bot", bot, first=False).talk())
    await network.clock.run_until(lambda: bot.asked == 1)
    far_end.say_now(network.speech.sound("and by the way"))
    await network.clock.run_until(lambda: bot.asked == 2)
    bot.may_answer.set()
    await network.clock.run_until(lambda: bool(bot.heard))
    assert [turn.content for turn in bot.heard[0]] == [GREETING, "and by the way"]
    network.bot_leg.ended = "far_end"
    await network.clock.run_until(talk.done)


async def test_the_tick_goes_on_while_minds_and_speech_take_their_time() -> None:
    network = Network()
    bot = Thinker(QUESTION)
    FarEnd(network.agent_leg, network.clock, (0, network.speech.sound(GREETING)))
    talk = asyncio.create_task(network.end("bot", bot, first=False).talk())
    await network.clock.run_until(lambda: bot.asked == 1)
    given = len(network.bot_leg.given)
    for _ in range(100):
        await network.clock.tick()
    assert len(network.bot_leg.given) == given + 100
    talk.cancel()
    await asyncio.gather(talk, return_exceptions=True)
    assert network.bot_leg.hung_up == 1


async def test_two_rounds_of_farewells_end_a_call_that_nobody_hangs_up() -> None:
    network = Network()
    bot = network.end("bot", Script("Hi there", "goodbye"), first=False)
    agent = network.end("agent", Script(GREETING, "goodbye"), first=True)
    held, _ = await network.talk(bot, agent)
    assert said(held, "user")[1:] == said(held, "assistant")[1:] == ["goodbye", "goodbye"]
    assert held.error_message == ""


async def test_a_call_that_never_ends_is_given_up_by_the_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.caller.domain.voice.transcript.MAX_TURNS", 7)
    network = Network()
    bot = network.end("bot", Script("tell me more"), first=False)
    agent = network.end("agent", Script("there is more"), first=True)
    held, _ = await network.talk(bot, agent)
    assert (held.end_reason, len(held.turns)) == ("caller_hangup", 7)
    assert limits.MAX_TURNS > 7


async def test_what_an_agents_connection_tells_is_taken_and_not_read() -> None:
    class TellingLeg(Leg):
        """Tells what it said, a tool that it used, and that it hands the call over."""

        ending: Ending = "none"

        def __init__(self) -> None:
            super().__init__()
            self.told = [Spoken("Hello, one two three four", 0, 1_000), Spoken("one two three four", 1_100, 2_000, 0.6)]

        def spoken(self) -> Sequence[Spoken]:
            told, self.told = (self.told, []) if len(self.given) > 100 else ([], self.told)
            return told

        def tools(self) -> Sequence[ToolUse]:
            return [ToolUse('{"name": "x"}', "{}")] if len(self.given) == 50 else []

    network = Network()
    leg = TellingLeg()
    talk = asyncio.create_task(network.end("bot", Script(QUESTION), first=False, leg=leg).talk())
    await network.clock.run_until(lambda: len(leg.given) > 300)
    leg.ending, leg.ended = "transfer", "far_end"
    await network.clock.run_until(talk.done)
    held = talk.result()
    assert said(held, "assistant") == ["Hello, one two three four", "one two"]
    assert said(held, "tool_call") == ['{"name": "x"}']
    assert said(held, "user")[0].split() == QUESTION.split()[: len(said(held, "user")[0].split())]
    assert held.end_reason == "transfer"
    assert network.speech.reads == []
