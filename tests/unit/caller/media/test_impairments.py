"""What is asked for on a line is what is measured there, and the same seed does the same again.

Tolerances: loss within two of a hundred packets (of 3 000), jitter within 12 %, noise within 1 dB.
"""

import asyncio
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from services.caller.domain.impairments import Impairments, NoiseKind
from services.caller.domain.media import FRAME_BYTES, FRAME_SAMPLES, SILENCE
from services.caller.edges.media.impaired import BadArrivals, BadLine, impairs_packets
from services.caller.edges.media.noise import Background
from services.caller.edges.media.reception import Reception
from services.caller.edges.media.recorder import Recorder, recording_thread
from services.caller.edges.media.wire import Datagram
from tests.support.waiting import eventually
from tests.unit.caller.media.pair import delivered, joined, packet_of, peak, tone
from tests.unit.caller.media.test_recorder import tape
from tests.unit.caller.media.voices import frames, line

LEVELS = (1_052, 2_108, 4_092, 8_316, 16_764)  # that G.711 keeps as they are


def fates(impairments: Impairments, packets: int = 20_000) -> list[float | None]:
    """Return what becomes of packets."""
    bad = BadLine(impairments, "from_agent")
    return [bad.delay_ms() for _ in range(packets)]


@pytest.mark.parametrize("percent", [5.0, 10.0, 30.0, 50.0])
@pytest.mark.parametrize("burst", [1.0, 3.0, 10.0])
def test_loss_has_the_mean_and_the_bursts_that_were_asked_for(percent: float, burst: float) -> None:
    lost = [fate is None for fate in fates(Impairments(3, loss_percent=percent, burst_packets=burst), 200_000)]
    bursts = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    assert 100 * np.mean(lost) == pytest.approx(percent, rel=0.12)
    assert np.mean(bursts) == pytest.approx(max(burst, 1 / (1 - percent / 100)), rel=0.12)


@pytest.mark.parametrize("jitter_ms", [3, 10, 20, 60, 200])
@pytest.mark.parametrize("percent", [0.0, 10.0])
def test_rfc_3550_measures_the_jitter_that_was_asked_for(jitter_ms: int, percent: float) -> None:
    arrivals = BadArrivals(
        BadLine(Impairments(5, loss_percent=percent, jitter_ms=jitter_ms, delay_ms=40), "from_agent")
    )
    reception = Reception()
    for number in range(3_000):
        arrivals.send(Datagram(number.to_bytes(2, "big"), ("", 0), number * 0.02, whole=True))
    for datagram in arrivals.arrived(1e9):
        number = int.from_bytes(datagram.content, "big")
        assert 0.04 <= datagram.at - number * 0.02 <= 0.04 + 0.003 * jitter_ms
        reception.take(packet_of(number), datagram.at, is_sound=True)
    assert reception.jitter_ms == pytest.approx(jitter_ms, rel=0.12)
    assert reception.lost / 30 == pytest.approx(percent, abs=2)


def test_a_seed_does_the_same_again_each_direction_its_own() -> None:
    asked = Impairments(11, loss_percent=10, burst_packets=2, jitter_ms=5)
    assert fates(asked) == fates(asked)
    assert fates(asked) != fates(Impairments(12, loss_percent=10, burst_packets=2, jitter_ms=5))
    to_agent = BadLine(asked, "to_agent")
    assert fates(asked) != [to_agent.delay_ms() for _ in range(20_000)]


def test_nothing_asked_for_touches_no_packet() -> None:
    assert not impairs_packets(Impairments(seed=4, noise_snr_db=10.0))
    assert set(fates(Impairments(seed=4))) == {0.0}
    assert set(fates(Impairments(loss_percent=100.0))) == {None}


async def test_a_recordings_loss_is_what_was_asked_for(tmp_path: Path) -> None:
    sent = [np.full(FRAME_SAMPLES, LEVELS[number % 5], "<i2").tobytes() for number in range(3_000)]
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread)
        with joined(receives=Impairments(2, loss_percent=10, burst_packets=2)) as (one, other):
            for frame in [*sent, SILENCE, SILENCE]:
                one.exchange(frame)
                delivered(other)
                recorder.add(SILENCE, other.exchange(SILENCE))
            stats = other.stats()
        recorded = await recorder.finish()
    heard = tape(recorded.path)[:, 1].reshape(-1, FRAME_SAMPLES)
    as_sent = np.isin(heard[:, 0], LEVELS) & (heard == heard[:, :1]).all(axis=1)  # what is made up fades
    assert 100 * (1 - as_sent.sum() / len(sent)) == pytest.approx(10, abs=2)
    assert 100 * stats.lost / 3_000 == pytest.approx(10, abs=2)
    assert stats.concealed_ms == pytest.approx(20 * stats.lost, abs=40)


@pytest.mark.parametrize(("one_way", "other_hears"), [("to_agent", False), ("from_agent", True)])
def test_one_way_audio_leaves_the_direction_that_it_names(one_way: str, other_hears: bool) -> None:
    with joined(receives=Impairments(one_way=one_way), silent_line_seconds=0.5) as (one, other):  # type: ignore[arg-type]
        heard = [(one.exchange(frame), other.exchange(frame)) for frame in tone(50)]
        assert (peak(b"".join(at_other for _, at_other in heard)) > 0) == other_hears
        assert (peak(b"".join(at_one for at_one, _ in heard)) > 0) != other_hears
        assert other.ended is None or other_hears, "it is our doing that nothing is heard"


async def test_what_is_sent_late_on_purpose_comes_late_and_none_comes_after_the_end() -> None:
    with joined(receives=Impairments(delay_ms=60)) as (one, other):
        other.exchange(SILENCE)
        assert one.exchange(SILENCE) == SILENCE
        assert one.stats().received == 0

        async def came() -> bool:
            one.exchange(SILENCE)
            return one.stats().received > 0

        await eventually(came, what="the packet")
        other.exchange(SILENCE)
    await asyncio.sleep(0.1)  # its timer finds a closed socket


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
async def test_a_recordings_noise_is_what_was_asked_for(kind: NoiseKind, snr_db: float, tmp_path: Path) -> None:
    said = line(12_000, (0, 3_000), (5_000, 8_000), (9_000, 11_000))
    background = Background(kind, snr_db, seed=9)
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread)
        for frame in frames(said):
            recorder.add(background.mixed(frame), SILENCE)
        recorded = await recorder.finish()
    left = tape(recorded.path)[:, 0].astype(float)
    noise = (left - said)[8_000:]
    speech = said[said != 0].astype(float)
    assert 10 * np.log10((speech**2).mean() / (noise**2).mean()) == pytest.approx(snr_db, abs=1.0)
    pause = left[3_000 * 8 : 5_000 * 8]
    assert 10 * np.log10((speech**2).mean() / (pause**2).mean()) == pytest.approx(snr_db, abs=2.0)


def test_noise_is_there_before_anything_is_said_and_the_same_for_a_seed() -> None:
    one, same, another = (Background("pink", 10.0, seed) for seed in (1, 1, 2))
    heard = b"".join(one.mixed(SILENCE) for _ in range(700))
    assert peak(heard) > 500
    assert heard == b"".join(same.mixed(SILENCE) for _ in range(700))
    assert heard != b"".join(another.mixed(SILENCE) for _ in range(700))
    assert heard[: 600 * FRAME_BYTES].count(heard[:FRAME_BYTES]) == 1


def test_what_is_louder_than_a_sample_can_be_is_cut_not_wrapped() -> None:
    loud = np.full(FRAME_SAMPLES, 32_000, "<i2").tobytes()
    mixed = np.frombuffer(Background("white", -10.0, 1).mixed(loud), "<i2")
    assert mixed.max() == 32_767
