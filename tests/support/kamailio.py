"""Kamailio, as a proxy that authenticates callers and stays in the way of their calls."""

import asyncio
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

CONFIGURATION = Path(__file__).with_name("kamailio.cfg").read_text()


@asynccontextmanager
async def a_proxy(stack: Stack, callee: Address, algorithm: str) -> AsyncIterator[Address]:
    """Run it for a while, in front of a callee."""
    port = free_port()
    written = CONFIGURATION
    for name, value in {
        "MODULES": str(stack.folder("usr/lib/*/kamailio/modules")),
        "PORT": str(port),
        "CALLEE": str(callee[1]),
        "ALGORITHM": algorithm,
    }.items():
        written = written.replace(name, value)
    with tempfile.TemporaryDirectory(prefix="kamailio-") as folder:
        configuration = _write(Path(folder, "kamailio.cfg"), written)
        process = await asyncio.create_subprocess_exec(
            stack.program, "-f", str(configuration), "-DD", "-E", "-w", folder, "-Y", folder,
            env=stack.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:

            async def listening() -> bool:
                assert process.returncode is None, "Kamailio did not start"
                return is_bound(port)

            await eventually(listening, what="Kamailio's listening")
            yield "127.0.0.1", port
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
