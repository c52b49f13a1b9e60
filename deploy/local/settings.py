"""Where the local system lives and which ports it has. Standard library only: it is read before there is more."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / ".local"
SERVICES = ("api", "scheduler", "caller", "billing")
SPEECH = "speech"  # the local speech server, where no other endpoint is set
BOOKS = "books"  # looks at what the four have written; none of them needs it

PORTS = {
    "REHEARSAL_API_PORT": 8600,
    "REHEARSAL_OPS_PORT_API": 8601,
    "REHEARSAL_OPS_PORT_SCHEDULER": 8602,
    "REHEARSAL_OPS_PORT_CALLER": 8603,
    "REHEARSAL_OPS_PORT_BILLING": 8604,
    "REHEARSAL_BOOKS_PORT": 8605,
    "REHEARSAL_SPEECH_PORT": 8606,
    "REHEARSAL_POSTGRES_PORT": 8632,
    "REHEARSAL_KAFKA_PORT": 8692,
    "REHEARSAL_KAFKA_CONTROLLER_PORT": 8693,
}

STT = ("pocketsphinx", "whisper")  # the first unless SPEECH_STT says otherwise

# Agents on this machine may be called: here it is the customer's as well as the operator's.
LOOPBACK = "127.0.0.0/8,::1/128"


@dataclass(frozen=True)
class Settings:
    """Ports by the name of their setting, and everything else that `.local/settings.env` or the environment says."""

    values: dict[str, str]

    def port(self, name: str) -> int:
        """Return a port. Raises SystemExit that names a wrong setting."""
        given = self.values.get(name, str(PORTS[name]))
        if not given.isdigit() or not 1 <= int(given) <= 65_535:
            raise SystemExit(f"{name} must be a port between 1 and 65535, not {given!r}")
        return int(given)

    def ops_port(self, service: str) -> int:
        """Return a service's operators' port."""
        return self.port(f"REHEARSAL_OPS_PORT_{service.upper()}")

    @property
    def api_url(self) -> str:
        """The API's address, without /v1."""
        return f"http://127.0.0.1:{self.port('REHEARSAL_API_PORT')}"

    @property
    def local_speech_url(self) -> str:
        """The local speech server's base_url, where there is one."""
        return f"http://127.0.0.1:{self.port('REHEARSAL_SPEECH_PORT')}/v1"

    @property
    def stt(self) -> str:
        """What reads speech in the local speech server. Raises SystemExit for what there is not."""
        given = self.values.get("SPEECH_STT") or STT[0]
        if given not in STT:
            raise SystemExit(f"SPEECH_STT must be {' or '.join(STT)}, not {given!r}")
        return given

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return f"127.0.0.1:{self.port('REHEARSAL_KAFKA_PORT')}"


def read_settings() -> Settings:
    """Read `.local/settings.env` (KEY=value lines), then the environment, which wins."""
    values: dict[str, str] = {}
    file = LOCAL / "settings.env"
    if file.is_file():
        for line in file.read_text().splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                values[key.strip()] = value.strip().strip("\"'")
    return Settings({**values, **os.environ})


def short_folder() -> Path:
    """Return a folder of this checkout with a short path that others can enter."""
    digest = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"rehearsal-{os.getuid()}-{digest}"  # noqa: S108 - owned and checked by its users
