"""The settings that the running system was started with: they count until `make down`, whatever is asked for now."""

import json

from deploy.local.settings import LOCAL, PORTS, Settings

FILE = LOCAL / "running.json"
FIXED_AT_START = {**{name: str(port) for name, port in PORTS.items()}, "CALL_SPEED": "1"}


def remember(settings: Settings) -> None:
    """Note what the system is started with."""
    FILE.write_text(json.dumps(_fixed(settings)))


def settings_in_force(wanted: Settings) -> tuple[Settings, list[str]]:
    """Return the running system's settings, and a sentence for each one that was asked for in vain."""
    try:
        running: dict[str, str] = json.loads(FILE.read_text())
    except (OSError, ValueError):
        return wanted, []
    differences = [
        f"{name} is {running[name]}, not {value}: it is fixed at the start (make down first)"
        for name, value in _fixed(wanted).items()
        if name in running and running[name] != value
    ]
    return Settings({**wanted.values, **running}), differences


def _fixed(settings: Settings) -> dict[str, str]:
    return {name: settings.values.get(name, default) for name, default in FIXED_AT_START.items()}
