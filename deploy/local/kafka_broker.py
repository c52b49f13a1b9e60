"""A real Apache Kafka broker (KRaft, one node) without Docker: its Maven artifacts and a JVM."""

import base64
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.children import dies_with_parent
from deploy.local.log_end import end_of
from deploy.local.missing import find_java, find_maven

VERSION = "4.3.1"
CONFIG = Path(__file__).parent / "kafka"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
MAIN, STORAGE_TOOL = "kafka.Kafka", "kafka.tools.StorageTool"


@dataclass(frozen=True)
class Broker:
    """A broker's jars, folder and ports. `quick` compiles less, which starts sooner and runs slower: for tests."""

    jars: Path
    home: Path
    port: int
    controller_port: int
    quick: bool = False

    def command(self) -> list[str]:
        """Return the command line of the broker in the foreground."""
        return [*self._java("-Xms128m", "-Xmx512m"), MAIN, str(self.home / "server.properties")]

    def prepare(self) -> None:
        """Write the configuration; format the storage at the first start."""
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        filled = (
            (CONFIG / "server.properties.in")
            .read_text()
            .format(port=self.port, controller_port=self.controller_port, data=self.home / "data")
        )
        (self.home / "server.properties").write_text(filled)
        if (self.home / "data" / "meta.properties").exists():
            return
        command = [*self._java("-Xmx128m", "-Dkafka.log.level=WARN"), STORAGE_TOOL, "format"]
        command += ["-t", new_cluster_id(), "-c", str(self.home / "server.properties")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"formatting Kafka's storage failed:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")

    def _java(self, *options: str) -> list[str]:
        speed = ["-XX:TieredStopAtLevel=1"] if self.quick else []
        return [
            find_java(),
            *options,
            *speed,
            *("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:MaxMetaspaceSize=128m", "-Xss512k"),
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile=file:{CONFIG / 'log4j2.xml'}",
            "-cp",
            f"{self.jars}/*",
        ]


def new_cluster_id(randomness: Callable[[int], bytes] = os.urandom) -> str:
    """Return 16 random bytes as Kafka writes them. None begins with a dash: the storage tool takes it for an option."""
    while (written := base64.urlsafe_b64encode(randomness(16)).decode().rstrip("=")).startswith("-"):
        pass
    return written


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rehearsal"


def jars_are_there() -> bool:
    """Say whether Maven is not needed any more."""
    return (_cache() / f"kafka-{VERSION}").is_dir()


def fetch_jars() -> Path:
    """Return the folder of the broker's jars, fetched by Maven once for all checkouts of this user."""
    cache = _cache()
    jars = cache / f"kafka-{VERSION}"
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"kafka-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.is_dir():
            return jars
        partial = Path(tempfile.mkdtemp(dir=cache, prefix="kafka-partial-"))
        command = [find_maven(), "-B", "-q", "-f", str(CONFIG / "pom.xml"), f"-Dkafka.version={VERSION}"]
        command += ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(partial, ignore_errors=True)
            raise SystemExit(f"Maven could not fetch Apache Kafka:\n{(done.stdout + done.stderr)[-2_000:]}")
        partial.rename(jars)
    return jars


def wait_until_ready(port: int, log: Path, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait until a broker takes requests. Raises SystemExit with the end of its log after `START_SECONDS`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        if _answers(port):
            return
        time.sleep(0.1)
    raise SystemExit(f"Kafka on port {port} did not start within {START_SECONDS:.0f} s. {end_of(log)}")


def _answers(port: int) -> bool:
    """Send an ApiVersions request (version 0) and look whether anything sensible comes back."""
    client = b"probe"
    request = b"\x00\x12\x00\x00\x00\x00\x00\x01" + len(client).to_bytes(2, "big") + client
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.settimeout(2)
            connection.sendall(len(request).to_bytes(4, "big") + request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False


@contextmanager
def running(broker: Broker, log: Path) -> Iterator[int]:
    """Run a broker for a while: for tests; yields its process id. It dies with this process, however that ends."""
    broker.prepare()
    with log.open("ab") as out:
        process = subprocess.Popen(broker.command(), stdout=out, stderr=out, preexec_fn=dies_with_parent)
    try:
        wait_until_ready(broker.port, log, process)
        yield process.pid
    finally:
        process.kill()  # its data are a test's: nothing to save
        process.wait(STOP_SECONDS)
