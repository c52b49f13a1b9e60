"""`make mutants`: put each fault into a copy of the code, run its tests, and expect one of them to fail.

`make mutants only=relay` tries those with the word in their name. The tests run on one PostgreSQL and Kafka.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.infra.resolve import Infra, start_infra
from tests.mutants.register import ROOT, Fault, read_faults

COPIED = ("services", "shared", "deploy", "tests", "docs", "pyproject.toml", "README.md", "Makefile")
TEST_SECONDS = 90  # for one test: one that hangs has noticed the fault
FAULT_SECONDS = 600
SOUND_SECONDS = 3_600  # for the tests of all faults together
ALL_PASSED, SOME_FAILED = 0, 1
# An interpreter that finds no pytest ends with 1 too.
FAILED = re.compile(r"\b[0-9]+ (failed|error)")


def run(copy: Path, tests: tuple[str, ...], infra: Infra, limit_seconds: int = FAULT_SECONDS) -> tuple[int, str]:
    """Run tests in the copy; return pytest's exit code and the end of what it said."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEST_DATABASE_URL": infra.admin_database_url,
        "TEST_KAFKA_BOOTSTRAP": infra.kafka_bootstrap,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}"]
    done = subprocess.run(
        [*command, *tests], cwd=copy, env=environment, capture_output=True, text=True, check=False,
        timeout=limit_seconds,
    )  # fmt: skip
    return done.returncode, (done.stderr + done.stdout)[-1_500:]


def caught(copy: Path, fault: Fault, infra: Infra) -> str:
    """Return an empty string if the fault is noticed, else what went wrong."""
    file = copy / fault.file
    sound = file.read_text()
    file.write_text(fault.applied(sound))
    try:
        code, said = run(copy, fault.tests, infra)
    finally:
        file.write_text(sound)
    if code == SOME_FAILED and FAILED.search(said):
        return ""
    return "not noticed" if code == ALL_PASSED else f"pytest ended with {code}:\n{said}"


def main(only: str) -> int:
    """Try the faults; return how many were not noticed."""
    faults = [fault for fault in read_faults() if only in fault.name]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="rehearsal-mutants-") as folder, start_infra() as infra:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / name)
        named = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
        code, said = run(copy, named, infra, SOUND_SECONDS)
        if code != ALL_PASSED:
            print(f"the tests do not pass without a fault:\n{said}")
            return len(faults)
        for nth, fault in enumerate(faults, 1):
            began = time.monotonic()
            wrong = caught(copy, fault, infra)
            missed += bool(wrong)
            print(f"{nth:3} {'caught' if not wrong else 'MISSED'} {time.monotonic() - began:5.1f} s  {fault.name}")
            if wrong:
                print(f"    {wrong}", flush=True)
    print(f"{len(faults) - missed} passed, {missed} failed")
    return missed


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1] if len(sys.argv) > 1 else "")))
