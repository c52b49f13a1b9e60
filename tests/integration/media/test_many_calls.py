"""The short form of `make bench-calls`: many calls in one process lose nothing, however busy the machine is."""

from pathlib import Path

import soundfile

from deploy.bench.calls import many_calls, some_lines

CALLS, SECONDS = 20, 5.0
# A machine that others use as well may hold everything up now and then. `make bench-calls` tells what it is alone.
BUSY_MACHINE_MS = 400.0


async def test_twenty_calls_at_once_lose_no_packet_and_are_recorded(tmp_path: Path) -> None:
    figures = await many_calls(CALLS, SECONDS, some_lines(), tmp_path)
    assert (figures.seen.lost, figures.lost_here) == (0, 0), figures.table()
    assert figures.seen.received > 0
    assert figures.received_here > 0
    assert figures.seen.interval_ms_p50 < BUSY_MACHINE_MS, figures.table()
    recordings = [soundfile.info(file) for file in tmp_path.glob("*.wav")]  # noqa: ASYNC240
    assert len(recordings) == CALLS
    assert len({recording.frames for recording in recordings}) == 1, "they were held by one clock"
