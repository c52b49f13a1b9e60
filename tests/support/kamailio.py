"""Kamailio, as a proxy that authenticates callers and stays in the way of their calls."""

import asyncio
import secrets
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.sip_peers import Stack
from services.caller.edges.sip.agent import Address
from tests.support.sip_peer import a_peer
from tests.support.waiting import eventually

ANSWERS_SECONDS = 0.5
CONFIGURATION = Path(__file__).with_name("kamailio.cfg").read_text()


@asynccontextmanager
async def a_proxy(stack: Stack, callee: Address, algorithm: str) -> AsyncIterator[Address]:
    """Run it for a while, in front of a callee."""
    port = free_port()
    address = "127.0.0.1", port
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

            async def answers() -> bool:
                """On a busy machine its port is bound long before its children are there."""
                assert process.returncode is None, "Kamailio did not start"
                peer.send(peer.request("OPTIONS", address, call=secrets.token_hex(6)), address)
                with suppress(TimeoutError):
                    async with asyncio.timeout(ANSWERS_SECONDS):
                        return bool(await peer.heard.get())
                return False

            async with a_peer() as peer:
                await eventually(answers, what="Kamailio's answer")
            yield address
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
