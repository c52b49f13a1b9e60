"""baresip, a telephone without a sound card: it answers by itself, echoes what it hears, and does what it is told."""

import asyncio
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.sip_peers import Stack
from services.caller.edges.sip.agent import Address
from tests.support.sip_stacks import is_bound
from tests.support.waiting import eventually

CONFIGURATION = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_source aubridge,echo
audio_player aubridge,echo
rtp_ports 31000-31999
module_path {modules}
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
"""
ACCOUNT = "<sip:baresip@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma,pcmu\n"


class Baresip:
    """A telephone."""

    def __init__(self, address: Address, control: asyncio.StreamWriter) -> None:
        self.address = address
        self._control = control

    async def tell(self, command: str, parameters: str = "") -> None:
        """Have it dial, hold, resume, hang up."""
        said = json.dumps({"command": command, "params": parameters, "token": "test"}).encode()
        self._control.write(b"%d:%s," % (len(said), said))
        await self._control.drain()


@asynccontextmanager
async def a_telephone(stack: Stack) -> AsyncIterator[Baresip]:
    """Run it for a while."""
    port, control_port = free_port(), free_port()
    modules = stack.folder("usr/lib/**/baresip/modules")
    with tempfile.TemporaryDirectory(prefix="baresip-") as folder:
        _write(Path(folder), CONFIGURATION.format(port=port, modules=modules, control_port=control_port), port)
        process = await asyncio.create_subprocess_exec(
            stack.program, "-f", folder,
            env=stack.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:

            async def listening() -> bool:
                assert process.returncode is None, "baresip did not start"
                return is_bound(port)

            await eventually(listening, what="baresip's listening")
            _reader, control = await _connected(control_port)
            yield Baresip(("127.0.0.1", port), control)
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


def _write(folder: Path, configuration: str, port: int) -> None:
    (folder / "config").write_text(configuration)
    (folder / "accounts").write_text(ACCOUNT.format(port=port))
    (folder / "contacts").write_text("")
