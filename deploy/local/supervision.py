"""supervisord: runs PostgreSQL, Kafka, the speech server and the four services, and starts again what dies."""

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.settings import LOCAL, ROOT, short_folder

LOG_BYTES = "10MB"
LOG_BACKUPS = 3
START_SECONDS = 15.0
STOP_SECONDS = 60.0
INFRASTRUCTURE = ("postgres", "kafka", "speech")  # what services need until they have stopped
STOPPED = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30


def folder() -> Path:
    """Return this checkout's short folder, made if need be. Raises SystemExit if somebody else made it."""
    path = short_folder()
    path.mkdir(mode=0o711, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise SystemExit(f"{path} belongs to somebody else; remove it")
    return path


def socket_path() -> Path:
    """Return the supervisor's socket: sockets have short paths, checkouts need not."""
    return folder() / "supervisor.sock"


def write_configuration(programs: Sequence[Program]) -> Path:
    """Write supervisord's configuration."""
    (LOCAL / "log").mkdir(parents=True, exist_ok=True)
    parts = [
        f"""[supervisord]
logfile={LOCAL}/log/supervisord.log
logfile_maxbytes={LOG_BYTES}
logfile_backups={LOG_BACKUPS}
pidfile={folder()}/supervisord.pid
childlogdir={LOCAL}/log
{"user=root" if os.getuid() == 0 else ""}

[unix_http_server]
file={socket_path()}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for program in programs:
        environment = ",".join(f'{key}="{_escaped(value)}"' for key, value in program.environment.items())
        parts.append(
            f"""[program:{program.name}]
command={_escaped(" ".join(f'"{part}"' for part in program.command))}
directory={"/" if program.user else ROOT}
environment={environment}
{f"user={program.user}" if program.user else ""}
autostart=false
autorestart=true
startsecs=1
startretries=100000
stopsignal={program.stop_signal}
stopwaitsecs={program.stop_seconds}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={LOCAL}/log/{program.name}.log
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOG_BACKUPS}
"""
        )
    path = LOCAL / "supervisord.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(parts))
    return path


def _escaped(value: str) -> str:
    return value.replace("%", "%%")


def start(configuration: Path, environment: Mapping[str, str]) -> None:
    """Start supervisord in the background and wait until it answers."""
    subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
        check=True,
        env=dict(environment),
        cwd=ROOT,
    )
    deadline = time.monotonic() + START_SECONDS
    while not is_running():
        if time.monotonic() > deadline:
            raise SystemExit(f"supervisord did not start: see {LOCAL}/log/supervisord.log")
        time.sleep(0.05)


def is_running() -> bool:
    """Say whether supervisord answers."""
    if not socket_path().exists():
        return False
    try:
        control().getState()
    except (OSError, xmlrpc.client.Error):
        return False
    return True


def control() -> Any:
    """Return supervisord's remote control."""
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, f"unix://{socket_path()}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor


def states() -> dict[str, dict[str, Any]]:
    """Return each program's state."""
    return {str(one["name"]): one for one in control().getAllProcessInfo()}


def start_programs(names: Sequence[str]) -> None:
    """Start programs that do not run."""
    running = {name for name, one in states().items() if one["statename"] in ("RUNNING", "STARTING")}
    for name in names:
        if name not in running:
            control().startProcess(name, False)


def stop_everything(while_waiting: Callable[[], None] = lambda: None) -> None:
    """Stop the services, then what they need, then supervisord. Each has the time that it was started with."""
    names = states()
    _stop([name for name in names if name not in INFRASTRUCTURE], while_waiting)
    _stop([name for name in names if name in INFRASTRUCTURE], while_waiting)
    control().shutdown()
    deadline = time.monotonic() + STOP_SECONDS
    while is_running() and time.monotonic() < deadline:
        time.sleep(0.1)


def hurry() -> None:
    """Tell the services once more to stop: they wait no longer."""
    for name in states():
        if name not in INFRASTRUCTURE:
            with suppress(xmlrpc.client.Fault):  # it does not run any more
                control().signalProcess(name, "TERM")


def _stop(names: Sequence[str], while_waiting: Callable[[], None]) -> None:
    """Stop programs side by side and wait until none of them runs: supervisord kills what takes too long."""
    for name in names:
        with suppress(xmlrpc.client.Fault):  # it was not running
            control().stopProcess(name, False)
    while any(one["statename"] not in STOPPED for name, one in states().items() if name in names):
        while_waiting()
        time.sleep(0.1)
