"""A taken port is named, not waited for."""

import socket
from pathlib import Path


class PortTaken(SystemExit):
    """Somebody else listens there."""


def require_free(port: int, setting: str) -> None:
    """Raise PortTaken, which names the port, its setting and (where the kernel tells) who has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            owner = owner_of(port)
            who = f" by {owner}" if owner else ""
            raise PortTaken(f"Port {port} is taken{who}. Choose another one: {setting}=…") from None


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
    """Return a port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
