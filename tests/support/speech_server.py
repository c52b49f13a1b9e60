"""The local speech server as a process, for tests."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.children import dies_with_parent
from deploy.local.log_end import end_of
from deploy.local.ports import free_port
from deploy.local.readyz import readyz
from deploy.local.settings import LOCAL, ROOT
from deploy.local.speech.finding import find_flite

READY_SECONDS = 120.0
STOP_SECONDS = 20.0


@contextmanager
def a_speech_server(log: Path, stt: str = "pocketsphinx") -> Iterator[str]:
    """Run one for a while; yield its base_url. It dies with this process, however that ends."""
    find_flite(LOCAL)  # fetched before the clock runs
    port = free_port()
    command = [sys.executable, "-m", "deploy.local.speech", "--port", str(port)]
    environ = {**os.environ, "SPEECH_STT": stt}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out, preexec_fn=dies_with_parent)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while (told := readyz(port)) is None or not all(told["parts"].values()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the speech server did not start within {READY_SECONDS:.0f} s. {end_of(log)}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
