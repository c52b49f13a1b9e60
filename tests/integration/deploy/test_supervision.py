"""What dies is started again; at the end the services stop before what they need."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import supervision
from deploy.local.supervision import Program
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LIVES = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); time.sleep(600)"
SAYS_GOODBYE = """
import signal, sys, time
def goodbye(*_):
    time.sleep(0.5)
    open(sys.argv[1], 'a').write(sys.argv[2] + ' ')
    sys.exit()
signal.signal(signal.SIGTERM, goodbye)
time.sleep(600)
"""


@pytest.fixture
def supervised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A supervisor's folder with a path short enough for a socket; whatever runs is stopped."""
    with tempfile.TemporaryDirectory(prefix="rs-") as short:
        monkeypatch.setattr(supervision, "short_folder", lambda: Path(short))
        monkeypatch.setattr(supervision, "LOCAL", tmp_path)
        try:
            yield tmp_path
        finally:
            if supervision.is_running():
                supervision.stop_everything()


def start(*programs: Program) -> None:
    supervision.start(supervision.write_configuration(programs), {**os.environ})
    supervision.start_programs([program.name for program in programs])


def pid_of(name: str) -> int:
    return int(supervision.states()[name]["pid"])


async def test_a_service_that_dies_is_started_again(supervised: Path) -> None:
    start(Program("api", [sys.executable, "-c", LIVES], {}))

    async def another(than: int) -> int:
        pid = await asyncio.to_thread(pid_of, "api")
        return pid if pid not in (0, than) else 0

    first = await eventually(lambda: another(0))
    os.kill(first, signal.SIGKILL)
    assert await eventually(lambda: another(first), what="another process runs") != first


async def test_services_stop_before_what_they_need(supervised: Path) -> None:
    file = supervised / "order"
    script = supervised / "says_goodbye.py"
    script.write_text(SAYS_GOODBYE)
    names = ("kafka", "api", "postgres", "billing")
    start(*(Program(name, [sys.executable, str(script), str(file), name], {}) for name in names))

    async def all_up() -> bool:
        states = await asyncio.to_thread(supervision.states)
        return all(one["statename"] == "RUNNING" for one in states.values())

    await eventually(all_up)
    await asyncio.to_thread(supervision.stop_everything)
    order = file.read_text().split()
    assert set(order[:2]) == {"api", "billing"}
    assert set(order[2:]) == {"kafka", "postgres"}


WAITS_TO_BE_TOLD_TWICE = """
import signal, sys, time
told = []
def stop(*_):
    told.append(1)
    if len(told) == 2:
        open(sys.argv[1], 'a').write('hurried')
        sys.exit()
signal.signal(signal.SIGTERM, stop)
open(sys.argv[1], 'a').write('up ')
while True:
    time.sleep(600)
"""


async def test_who_waits_has_its_own_time_is_told_of_meanwhile_and_can_be_hurried(supervised: Path) -> None:
    file = supervised / "told"
    script = supervised / "waits.py"
    script.write_text(WAITS_TO_BE_TOLD_TWICE)
    start(Program("caller", [sys.executable, str(script), str(file)], {}, stop_seconds=300))

    async def is_up() -> bool:
        return file.is_file() and file.read_text() == "up "

    await eventually(is_up)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            supervision.hurry()

    await asyncio.to_thread(supervision.stop_everything, look)
    assert file.read_text() == "up hurried", "told twice, and not killed"
    assert looks >= 3


def test_environment_values_may_hold_percent_signs_and_the_file_is_private(supervised: Path) -> None:
    path = supervision.write_configuration([Program("api", ["x"], {"SECRET": "100%s"})])
    assert 'SECRET="100%%s"' in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
