"""A broker of one test's own, which may be killed, frozen and started again."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local import kafka_broker
from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port


@dataclass
class OwnBroker:
    """Its data and its port stay over restarts."""

    broker: kafka_broker.Broker
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def bootstrap(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.broker.port}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        self.broker.prepare()
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.broker.command(), stdout=out, stderr=out, preexec_fn=dies_with_parent)
        kafka_broker.wait_until_ready(self.broker.port, self.log, self.process)

    async def stop(self) -> None:
        """End it in good order: what was acknowledged is there when it comes back."""
        await asyncio.to_thread(self._end, signal.SIGTERM)

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(kafka_broker.STOP_SECONDS)
            self.process.kill()
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)


@asynccontextmanager
async def an_own_broker(folder: Path) -> AsyncIterator[OwnBroker]:
    """Run a broker for one test."""
    jars = await asyncio.to_thread(kafka_broker.fetch_jars)
    broker = kafka_broker.Broker(jars, folder / "kafka", free_port(), free_port(), quick=True)
    own = OwnBroker(broker, folder / "kafka.log")
    try:
        await own.start()
        yield own
    finally:
        own.kill()
