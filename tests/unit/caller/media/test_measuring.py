"""Speech is found where it is; what is measured of a call is what was put into it."""

from pathlib import Path

import numpy as np
import pytest

from services.caller.domain.measures import CallMeasures, Span
from services.caller.domain.media import FRAME_MS
from services.caller.domain.turn import Side
from services.caller.edges.media.activity import EDGE_MS, Activity
from services.caller.edges.media.calibration import Offset
from services.caller.edges.media.delay import DelayMeter, HeardLate
from services.caller.edges.media.measuring import Lateness, Measuring, measure
from services.caller.edges.media.recorder import Recorder, recording_thread
from tests.unit.caller.media.voices import Samples, frames, line

SURE = Lateness(HeardLate(0.0, 0.0), Offset(0.0, 0.0))


def spans_of(channel: Samples, turns: tuple[Span, ...] = ()) -> list[Span]:
    """Return where speech is found on a channel."""
    activity = Activity()
    for frame in frames(channel):
        activity.add(frame)
    return activity.spans(turns)


def measured(left: Samples, right: Samples, lateness: Lateness = SURE, hears: Side = "agent") -> CallMeasures:
    """Measure a call."""
    measuring = Measuring(hears)
    for said, heard in zip(frames(left), frames(right), strict=True):
        measuring.add(said, heard)
    return measuring.measures(lateness)


@pytest.mark.parametrize("begin_ms", [401, 409, 415, 1_003])
@pytest.mark.parametrize("level", [3_000, 6_000, 20_000])
def test_both_ends_of_speech_are_found_within_their_grain(begin_ms: int, level: int) -> None:
    (span,) = spans_of(line(4_000, (begin_ms, begin_ms + 1_234), level=level))
    assert span.start_ms == pytest.approx(begin_ms, abs=EDGE_MS)
    assert span.end_ms == pytest.approx(begin_ms + 1_234, abs=EDGE_MS)


def test_a_line_with_noise_of_its_own_has_the_same_ends() -> None:
    hum = np.random.default_rng(1).normal(0, 60, 4_000 * 8)
    (span,) = spans_of((line(4_000, (1_003, 2_007)) + hum).astype(np.int16))
    assert span.start_ms == pytest.approx(1_003, abs=2 * EDGE_MS)
    assert span.end_ms == pytest.approx(2_007, abs=2 * EDGE_MS)


def test_silence_noise_and_a_click_are_no_speech() -> None:
    assert spans_of(line(2_000)) == []
    assert spans_of(np.random.default_rng(1).normal(0, 100, 16_000).astype(np.int16)) == []
    click = line(2_000)
    click[8_000:8_080] = 20_000
    assert spans_of(click) == []


def test_a_pause_for_breath_is_within_speech_and_a_long_one_only_where_it_is_known_to_be() -> None:
    assert len(spans_of(line(4_000, (500, 1_000), (1_200, 2_000)))) == 1
    two = line(4_000, (500, 1_000), (1_600, 2_000))
    assert len(spans_of(two)) == 2
    assert len(spans_of(two, (Span(480, 2_020),))) == 1


def test_a_latency_is_from_the_last_sample_of_the_bot_to_the_first_of_the_agent() -> None:
    measures = measured(
        line(20_000, (2_000, 3_003), (6_000, 7_000), (11_000, 12_000)),
        line(20_000, (300, 1_500), (3_303, 5_000), (7_800, 9_000), (9_700, 10_500), (13_500, 14_000)),
    )
    assert [one.latency_ms for one in measures.agent_latencies] == [
        pytest.approx(expected, abs=2 * EDGE_MS) for expected in (300, 800, 1_500)
    ]
    assert [one.at_ms for one in measures.agent_latencies] == [
        pytest.approx(expected, abs=EDGE_MS) for expected in (3_003, 7_000, 12_000)
    ]
    assert measures.agent_latency_p50_ms == pytest.approx(800, abs=2 * EDGE_MS)
    assert measures.agent_latency_p95_ms == pytest.approx(1_500, abs=2 * EDGE_MS)
    assert measures.latency_uncertainty_ms == 2 * EDGE_MS
    assert (measures.interruptions_by_agent, measures.interruptions_by_bot) == (0, 0)
    assert measures.agent_talk_ratio == pytest.approx(5_397 / 8_400, abs=0.01)
    assert measures.dead_air_ms == pytest.approx(6_000, abs=2 * EDGE_MS), "the end, on which nobody spoke"


def test_what_is_ours_is_taken_off_and_what_may_be_is_told() -> None:
    lateness = Lateness(HeardLate(47.0, 4.0), Offset(3.0, 1.0), skipped_ticks=2)
    measures = measured(line(5_000, (1_000, 2_000)), line(5_000, (2_350, 3_000)), lateness)
    assert measures.agent_latency_p50_ms == pytest.approx(300, abs=2 * EDGE_MS)
    assert measures.latency_uncertainty_ms == 2 * EDGE_MS + 10 + 2 * FRAME_MS
    of_the_agents_end = measured(line(5_000, (1_050, 2_050)), line(5_000, (2_300, 3_000)), lateness, "bot")
    assert of_the_agents_end.agent_latency_p50_ms == pytest.approx(300, abs=2 * EDGE_MS), "there the bot is heard late"


def test_who_talks_over_whom_is_told_apart_and_how_soon_the_agent_stops() -> None:
    measures = measured(
        line(20_000, (1_000, 3_000), (6_000, 8_000), (12_000, 13_000)),
        line(20_000, (2_000, 2_800), (5_000, 6_500), (11_500, 12_900)),
    )
    assert measures.interruptions_by_agent == 1
    assert measures.interruptions_by_bot == 2
    assert measures.barge_in_stop_ms == pytest.approx(500, abs=2 * EDGE_MS)
    assert [one.latency_ms for one in measures.agent_latencies] == [
        pytest.approx(expected, abs=2 * EDGE_MS) for expected in (2_000, 3_500)
    ]


def test_a_call_in_which_nobody_speaks_has_no_latency_and_no_uncertainty_of_one() -> None:
    assert measured(line(4_000), line(4_000)) == CallMeasures(dead_air_ms=4_000)
    assert measured(line(0), line(0)) == CallMeasures()


async def test_a_recording_measures_as_the_call_did(tmp_path: Path) -> None:
    left, right = line(6_000, (1_000, 2_000)), line(6_000, (2_300, 3_000))
    with recording_thread() as thread:
        recorder = Recorder(tmp_path / "call.wav", thread)
        for said, heard in zip(frames(left), frames(right), strict=True):
            recorder.add(said, heard)
        recorded = await recorder.finish()
    assert measure(recorded.path, SURE) == measured(left, right)


def test_a_delay_is_summed_up_as_its_mean_and_deviation() -> None:
    meter = DelayMeter()
    assert meter.heard_late() == HeardLate(0.0, 0.0)
    for ms in (10.0, 20.0, 30.0):
        meter.add(ms, tick=7)
    assert meter.heard_late().mean_ms == 20.0
    assert meter.heard_late().spread_ms == pytest.approx(np.std([10, 20, 30]))


def test_a_jitter_buffer_that_grows_in_mid_call_makes_neither_latencies_wrong_nor_uncertain() -> None:
    meter = DelayMeter()
    for tick in range(500):
        meter.add(30.0 if tick < 200 else 90.0, tick)
    late = meter.heard_late()
    assert late.spread_ms == 0.0
    assert (late.at(0.0), late.at(3_990.0), late.at(4_010.0), late.at(99_999.0)) == (30.0, 30.0, 90.0, 90.0)
    left, right = line(10_000, (1_000, 2_000), (5_000, 6_000)), line(10_000, (2_330, 2_900), (6_390, 7_000))
    measures = measured(left, right, Lateness(late, Offset(0.0, 0.0)))
    assert [one.latency_ms for one in measures.agent_latencies] == [pytest.approx(300, abs=2 * EDGE_MS)] * 2
    assert measures.latency_uncertainty_ms == 2 * EDGE_MS


def test_ticks_that_were_left_out_are_in_the_latency_in_which_they_were_and_in_no_other() -> None:
    skipped = 7  # from before the call
    measuring = Measuring(skipped=lambda: skipped)
    left, right = line(10_000, (1_000, 2_000), (5_000, 6_000)), line(10_000, (2_300, 2_900), (6_300, 7_000))
    for tick, (said, heard) in enumerate(zip(frames(left), frames(right), strict=True)):
        skipped += {105: 2, 110: 1, 200: 40}.get(tick, 0)
        measuring.add(said, heard)
    measures = measuring.measures(Lateness(HeardLate(), Offset(0.0, 0.0), skipped_ticks=43))
    assert [one.latency_ms for one in measures.agent_latencies] == [
        pytest.approx(360, abs=2 * EDGE_MS), pytest.approx(300, abs=2 * EDGE_MS)
    ]  # fmt: skip
    assert [one.at_ms for one in measures.agent_latencies] == [
        pytest.approx(2_000, abs=EDGE_MS), pytest.approx(6_000, abs=EDGE_MS)
    ]  # fmt: skip
    assert measures.latency_uncertainty_ms == 2 * EDGE_MS


def test_where_nothing_comes_nothing_is_known_to_change() -> None:
    meter = DelayMeter()
    meter.add(50.0, tick=100)
    meter.add(70.0, tick=200)
    late = meter.heard_late()
    assert (late.at(0.0), late.at(2_000.0), late.at(3_900.0), late.at(4_000.0)) == (50.0, 50.0, 50.0, 70.0)
