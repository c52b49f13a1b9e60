"""What a run asks to go wrong goes wrong on the line: packets are lost, noise is recorded, keys are pressed."""

import json
from pathlib import Path

import numpy as np
import soundfile

from services.caller.domain.sound import Sound
from shared.events.conditions import Conditions, Dtmf, Noise
from tests.integration.calls.exchange import an_exchange
from tests.integration.calls.test_loopback import QUESTION, Scripted, holds_nothing
from tests.unit.caller.builders import a_dispatch


async def test_loss_that_was_asked_for_is_measured_at_both_ends(tmp_path: Path) -> None:
    conditions = Conditions(seed=7, loss_percent=10.0)
    async with an_exchange(tmp_path, Scripted(), first_port=35_000) as exchange:
        _, sound = await exchange.run(a_dispatch(mode="sip", conditions=conditions))
        await holds_nothing(exchange)
    assert sound is not None
    assert sound.side is not None
    assert sound.second is not None
    assert sound.second.side is not None
    for stats in (sound.side.rtp, sound.second.side.rtp):
        assert 0.04 < stats.lost / (stats.lost + stats.received) < 0.18


async def test_noise_that_was_asked_for_is_recorded_behind_the_bot_and_not_taken_for_its_speech(tmp_path: Path) -> None:
    conditions = Conditions(noise=Noise(snr_db=20.0))
    async with an_exchange(tmp_path, Scripted(), first_port=35_200) as exchange:
        held, sound = await exchange.run(a_dispatch(mode="sip", recording=True, conditions=conditions))
        both, rate = soundfile.read(exchange.shelf.kept[False].path)
    turn = next(turn for turn in held.turns if turn.content == QUESTION)
    bot = both[:, 0]
    speech = bot[turn.start_ms * rate // 1_000 : turn.end_ms * rate // 1_000]
    noise = bot[(turn.end_ms + 100) * rate // 1_000 : (turn.end_ms + 500) * rate // 1_000]
    snr_db = 20 * np.log10(np.sqrt((speech**2).mean()) / np.sqrt((noise**2).mean()))
    assert 17 < snr_db < 23
    assert sound is not None
    assert sound.side is not None
    assert sound.side.measures.agent_latencies, "its pauses are pauses"


async def test_keys_that_were_asked_for_are_pressed(tmp_path: Path) -> None:
    conditions = Conditions(dtmf=(Dtmf(digits="42#", after_turn=1),))
    async with an_exchange(tmp_path, Scripted(), first_port=35_400) as exchange:
        call = exchange.call(a_dispatch(mode="sip", conditions=conditions))
        await call.place()
        held = await call.hold()
        sound = await call.close()
        await holds_nothing(exchange)
    assert isinstance(sound, Sound)
    assert sound.second is not None
    assert sound.second.conversation is not None
    for turns in (held.turns, sound.second.conversation.turns):
        (told,) = [turn for turn in turns if turn.role == "tool_call"]
        assert json.loads(told.content) == {"name": "dtmf", "arguments": {"digits": "42#", "pressed_by": "user"}}
