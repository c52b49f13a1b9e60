"""The settings that the running system was started with: they count until `make down`, whatever is asked for now."""

import hashlib
import json

from deploy.local.service_settings import read_as_services_do
from deploy.local.settings import LOCAL, PORTS, Settings

FILE = LOCAL / "running.json"
# What libraries and agents' connections read besides, by the beginning of the name: secrets, so they are never shown.
FAMILIES = ("OTEL_", "AGENT_KEY_", "SSL_CERT_", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


def remember(settings: Settings) -> None:
    """Note what the system is started with."""
    FILE.write_text(json.dumps({"shown": _shown(settings), "hidden": _hidden(settings)}))


def settings_in_force(wanted: Settings) -> tuple[Settings, list[str]]:
    """Return the running system's settings, and a sentence for each one that was asked for in vain."""
    try:
        running = json.loads(FILE.read_text())
        shown, hidden = dict(running["shown"]), dict(running["hidden"])
    except (OSError, ValueError, KeyError, TypeError):
        return wanted, []
    try:
        now = _shown(wanted)
    except SystemExit as wrong:
        return Settings({**wanted.values, **_ports(shown)}), [str(wrong)]
    differences = [
        f"{name} is {shown[name]}, not {value}: it is fixed at the start (make down first)"
        for name, value in now.items()
        if shown.get(name, value) != value
    ]
    hidden_now = _hidden(wanted)
    differences += [
        f"{name} differs from what the system was started with: it is fixed at the start (make down first)"
        for name in sorted(hidden.keys() | hidden_now.keys())
        if hidden.get(name) != hidden_now.get(name)
    ]
    return Settings({**wanted.values, **_ports(shown)}), differences


def _ports(shown: dict[str, str]) -> dict[str, str]:
    return {name: shown[name] for name in PORTS if name in shown}


def _shown(settings: Settings) -> dict[str, str]:
    ports = {name: settings.values.get(name, str(port)) for name, port in PORTS.items()}
    reads = {"SPEECH_STT": settings.stt, "SPEECH_WHISPER_FOLDER": settings.values.get("SPEECH_WHISPER_FOLDER", "")}
    return {**ports, **reads, **read_as_services_do(settings)}


def _hidden(settings: Settings) -> dict[str, str]:
    return {
        name: hashlib.sha256(f"{name}={value}".encode()).hexdigest()
        for name, value in settings.values.items()
        if name.upper().startswith(FAMILIES)
    }
