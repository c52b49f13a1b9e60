"""Whatever happens on the line, and at whatever tick: a spoken call ends once, in order, and leaves nothing behind."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.caller.domain import limits
from services.caller.domain.call_clock import LeaseLost
from services.caller.domain.media import FRAME_MS
from services.caller.domain.turn import Reply, Turn
from services.caller.domain.voice.phone import Conduct
from tests.unit.caller.builders import Script, hangs_up
from tests.unit.caller.voice.phones import FRAMES_OF_A_WORD, FarEnd, Network, is_voiced, noise

Action = Literal["talk", "yes", "noise", "hang_up", "line", "broken", "lease", "unreadable", "slow", "stall", "cancel"]
MAX_CALL_MS = 60_000
STALL_FRAMES = 7
MAX_LINES = 12  # of the bot in that time
HARMLESS: tuple[Action, ...] = ("talk", "yes", "noise", "slow", "stall")
ENDING: tuple[Action, ...] = ("hang_up", "line", "broken", "lease", "unreadable", "cancel")
actions = st.lists(
    st.tuples(st.integers(0, 1_500), st.sampled_from(HARMLESS + HARMLESS + ENDING)), min_size=1, max_size=12
).map(sorted)
conducts = st.sampled_from(
    [
        Conduct(),
        Conduct(interrupt_after_ms=500, interruptions=3),
        Conduct(quiet_from_ms=2_000, quiet_ms=3_000),
        Conduct(digits=((0, "1"), (1, "2"))),
    ]
)
LINES = ("I have a question about my order", "yes", "could you please look that up for me now", "thank you")


def a_bot(waited: bool) -> Script:
    return Script(*(Reply(line, waited=waited, think_ms=300) for line in LINES), hangs_up("goodbye"))


@settings(max_examples=120, deadline=None)
@given(history=actions, conduct=conducts, first=st.booleans(), waited=st.booleans(), slow_ticks=st.integers(0, 80))
def test_any_history_ends_once_and_in_order(
    history: list[tuple[int, Action]], conduct: Conduct, first: bool, waited: bool, slow_ticks: int
) -> None:
    asyncio.run(_hold(history, conduct, first, waited, slow_ticks))


async def _hold(
    history: list[tuple[int, Action]], conduct: Conduct, first: bool, waited: bool, slow_ticks: int
) -> None:
    network = Network(max_call_ms=MAX_CALL_MS)
    far_end = FarEnd(network.agent_leg, network.clock)
    slow = [0]
    read = network.speech.read

    async def read_late(sound: bytes, expected: tuple[str, ...]) -> str:
        await network.clock.pass_by(slow[0])
        return await read(sound, expected)

    network.speech.read = read_late  # type: ignore[method-assign]
    end = network.end("bot", a_bot(waited), first=first, conduct=conduct)
    talk = asyncio.create_task(end.talk())
    await asyncio.sleep(0)  # a task that is cancelled before it begins has picked up nothing
    todo = list(history)
    while not talk.done():
        while todo and todo[0][0] <= network.clock.ticks:
            match todo.pop(0)[1]:
                case "talk":
                    far_end.say_now(network.speech.sound("how can I help you with that today"))
                case "yes":
                    far_end.say_now(network.speech.sound("yes"))
                case "noise":
                    far_end.say_now(noise(900))
                case "hang_up":
                    network.bot_leg.ended = "far_end"
                case "line":
                    network.bot_leg.ended = "silent_line"
                case "broken":
                    network.bot_leg.ended = "broken"
                case "lease":
                    network.lease = False
                case "unreadable":
                    network.speech.fails += 2
                case "slow":
                    slow[0] = slow_ticks
                case "stall":
                    network.clock.left_out += STALL_FRAMES
                case "cancel":
                    talk.cancel()
        assert network.clock.ticks < 2 * MAX_CALL_MS // FRAME_MS, "it never ends"
        await network.clock.tick()
    assert talk.cancelled() or talk.exception() is None or isinstance(talk.exception(), LeaseLost)
    if talk.cancelled() or talk.exception() is not None:
        held = end.cut("It was cut")
    else:
        held = talk.result()
        assert bool(held.error_message) == (held.end_reason == "error")
    assert held.duration_ms == len(network.recorded.said) * FRAME_MS <= MAX_CALL_MS + STALL_FRAMES * FRAME_MS
    assert network.bot_leg.hung_up == 1
    network.clock.remove(far_end)
    assert network.clock.idle
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    _is_sound(held.turns, network, stalls=sum(action == "stall" for _, action in history))


def _is_sound(turns: Sequence[Turn], network: Network, *, stalls: int) -> None:
    assert list(turns) == sorted(turns, key=lambda turn: turn.start_ms)
    assert len(turns) <= limits.MAX_TURNS
    for role in ("user", "assistant"):
        mine = [turn for turn in turns if turn.role == role]
        assert all(turn.start_ms < turn.end_ms for turn in mine)
        assert all(before.end_ms <= after.start_ms for before, after in pairwise(mine))
    spoken = {nth for nth, frame in enumerate(network.recorded.said) if is_voiced(frame)}
    own = [turn for turn in turns if turn.role == "user"]
    told = {nth for turn in own for nth in range(turn.start_ms // FRAME_MS, turn.end_ms // FRAME_MS)}
    assert len(told - spoken) <= stalls * STALL_FRAMES, "only what was said is told"
    assert len(spoken - told) <= FRAMES_OF_A_WORD * MAX_LINES, "of a cut line less than a word is not told"
