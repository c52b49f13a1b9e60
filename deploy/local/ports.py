"""A taken port is named, not waited for."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

LOWEST_PORT = 15_000
HIGHEST_PORT = 32_000

_reserved: set[int] = set()


class PortTaken(SystemExit):
    """Somebody else listens there."""


def require_free(port: int, setting: str) -> None:
    """Raise PortTaken, which names the port, its setting and (where the kernel tells) who has it."""
    if not _is_free(port):
        owner = owner_of(port)
        who = f" by {owner}" if owner else ""
        raise PortTaken(f"Port {port} is taken{who}. Choose another one: {setting}=…")


def owner_of(port: int) -> str:
    """Return who listens on a port, as far as /proc tells this user."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {process.name} ({command[:80]})"
        except OSError:
            continue
    return ""


def free_port() -> int:
    """Return a port that nobody has now and that nobody else who asks here gets while this process lives.

    A port that the kernel chose would be one of those it gives to outgoing connections: between here and the start of
    the server that is to listen on it, any client on the machine may get it. So it is chosen below that range, and a
    lock on a file keeps other test runs and benches from choosing the same.
    """
    ports = list(range(LOWEST_PORT, _first_of_outgoing()))
    random.shuffle(ports)
    folder = Path(tempfile.gettempdir()) / f"rehearsal-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in ports:
        if port not in _reserved and _is_free(port) and _reserve(folder / str(port)):
            _reserved.add(port)
            return port
    raise SystemExit(f"no port between {LOWEST_PORT} and {_first_of_outgoing()} is free")


def _first_of_outgoing() -> int:
    """Return where the kernel's range for outgoing connections begins."""
    try:
        return max(int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]), LOWEST_PORT + 1_000)
    except (OSError, ValueError):
        return HIGHEST_PORT


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reserve(file: Path) -> bool:
    """Lock a port's file for the life of this process; a child that is forked and replaced does not keep it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True  # the descriptor stays open on purpose
