"""baresip, a telephone without a sound card: it answers by itself, and does what it is told.

It echoes what it hears; or says a sound of the test's, records both directions, and tells which keys it heard.
"""

import asyncio
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from deploy.local.ports import free_port
from deploy.local.sip_peers import Stack
from services.caller.domain.media import SAMPLE_RATE_HZ
from services.caller.edges.sip.agent import Address
from tests.support.sip_stacks import is_bound
from tests.support.waiting import eventually

CONFIGURATION = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_source {source}
audio_player aubridge,echo
rtp_ports 31000-31999
module_path {modules}
module g711.so
module aubridge.so
module aufile.so
module sndfile.so
snd_path {folder}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
"""
ACCOUNT = "<sip:baresip@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs={codecs}\n"
ANY_CODEC = "pcma,pcmu"


class Baresip:
    """A telephone."""

    def __init__(self, address: Address, folder: Path, control: asyncio.StreamWriter) -> None:
        self.address = address
        self.digits = ""  # keys that it heard
        self._folder = folder
        self._control = control

    async def tell(self, command: str, parameters: str = "") -> None:
        """Have it dial, hold, resume, press keys (`sndcode`), hang up."""
        said = json.dumps({"command": command, "params": parameters, "token": "test"}).encode()
        self._control.write(b"%d:%s," % (len(said), said))
        await self._control.drain()

    def heard(self) -> NDArray[np.float64]:
        """Return what it has recorded of what it heard, -1 to 1. Once its call is over it is whole."""
        (path,) = self._folder.glob("dump-*-dec.wav")
        samples, rate = soundfile.read(path)
        assert rate == SAMPLE_RATE_HZ
        return np.asarray(samples)

    async def listen(self, events: asyncio.StreamReader) -> None:
        """Hear what it tells of itself."""
        while True:
            length = int((await events.readuntil(b":"))[:-1])
            event = json.loads((await events.readexactly(length + 1))[:-1])
            if event.get("type") == "CALL_DTMF_START":
                self.digits += event["param"]


@asynccontextmanager
async def a_telephone(stack: Stack, *, says: bytes = b"", codecs: str = ANY_CODEC) -> AsyncIterator[Baresip]:
    """Run it for a while. `says`: once in each call; without it, it echoes."""
    port, control_port = free_port(), free_port()
    modules = stack.folder("usr/lib/**/baresip/modules")
    with tempfile.TemporaryDirectory(prefix="baresip-") as name:
        folder = Path(name)
        source = f"aufile,{_sound(folder, says)}" if says else "aubridge,echo"
        configuration = CONFIGURATION.format(
            port=port, modules=modules, control_port=control_port, source=source, folder=folder
        )
        _write(folder, configuration, ACCOUNT.format(port=port, codecs=codecs))
        process = await asyncio.create_subprocess_exec(
            stack.program, "-f", folder,
            env=stack.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:

            async def listening() -> bool:
                assert process.returncode is None, "baresip did not start"
                return is_bound(port)

            await eventually(listening, what="baresip's listening")
            events, control = await _connected(control_port)
            phone = Baresip(("127.0.0.1", port), folder, control)
            hearing = asyncio.create_task(phone.listen(events))
            try:
                yield phone
            finally:
                hearing.cancel()
                with suppress(asyncio.CancelledError):
                    await hearing
                control.close()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return None

    found = await eventually(connected, what="baresip's control port")
    assert found is not None
    return found


def _sound(folder: Path, says: bytes) -> Path:
    path = folder / "says.wav"
    soundfile.write(path, np.frombuffer(says, "<i2"), SAMPLE_RATE_HZ, subtype="PCM_16")
    return path


def _write(folder: Path, configuration: str, account: str) -> None:
    (folder / "config").write_text(configuration)
    (folder / "accounts").write_text(account)
    (folder / "contacts").write_text("")
