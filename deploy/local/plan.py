"""What runs on this machine: PostgreSQL, Kafka, four services, a speech server; with which settings."""

import json
import os
import secrets
import sys
from base64 import b64encode
from dataclasses import replace
from math import ceil
from pathlib import Path

from deploy.local import kafka_broker, postgres
from deploy.local.settings import BOOKS, LOCAL, LOOPBACK, ROOT, SERVICES, SPEECH, Settings
from deploy.local.supervision import Program, folder
from deploy.provision.database import database_url, service_url
from services.caller.domain.limits import drain_seconds

DATABASE = "rehearsal"
PASSWORDS = LOCAL / "passwords.json"
HOOK_SECRETS = LOCAL / "hook-secrets.json"
ROLE_PASSWORDS = LOCAL / "role-passwords.json"


def private_file(path: Path, content: str) -> None:
    """Write a file that only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    path.chmod(0o600)


def role_passwords() -> dict[str, str]:
    """Return the services' passwords, made once."""
    return _made_once(ROLE_PASSWORDS, SERVICES)


def admin_password() -> str:
    """Return the superuser's password, made once."""
    return _made_once(PASSWORDS, ("admin",))["admin"]


def _made_once(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    if not path.exists():
        private_file(path, json.dumps({name: secrets.token_hex(16) for name in names}))
    return {str(name): str(value) for name, value in json.loads(path.read_text()).items()}


def prepare_infrastructure(settings: Settings) -> list[Program]:
    """Make PostgreSQL's and Kafka's data; return both as programs."""
    server = postgres.prepare(LOCAL / "postgres", settings.port("REHEARSAL_POSTGRES_PORT"), admin_password(), folder())
    broker = kafka_broker.Broker(
        kafka_broker.fetch_jars(),
        LOCAL / "kafka",
        settings.port("REHEARSAL_KAFKA_PORT"),
        settings.port("REHEARSAL_KAFKA_CONTROLLER_PORT"),
    )
    broker.prepare()
    return [
        Program("postgres", server.command(), {}, server.user, stop_signal="INT"),
        Program("kafka", broker.command(), {}),
    ]


def service_programs(settings: Settings, *, speaks: bool = False) -> list[Program]:
    """Return the four services as programs. `speaks`: there is a local speech server."""
    urls = service_urls(settings)
    programs = []
    for service in SERVICES:
        environment = {
            "DATABASE_URL": urls[service],
            "KAFKA_BOOTSTRAP": settings.kafka,
            "OPS_HOST": "127.0.0.1",
            "OPS_PORT": str(settings.ops_port(service)),
        }
        if service == "api":
            environment |= {"API_HOST": "127.0.0.1", "API_PORT": str(settings.port("REHEARSAL_API_PORT"))}
            if speaks or settings.values.get("SPEECH_BASE_URL"):
                environment["SIP_CALLS"] = settings.values.get("SIP_CALLS", "true")
        if service == "caller":
            environment["CALL_SPEED"] = settings.values.get("CALL_SPEED", "1")
            environment["AGENT_ALLOWED_NETWORKS"] = settings.values.get("AGENT_ALLOWED_NETWORKS", LOOPBACK)
            environment["INBOUND_WEBHOOK_URL"] = settings.values.get("INBOUND_WEBHOOK_URL", settings.api_url)
            if speaks:
                environment["SPEECH_BASE_URL"] = settings.local_speech_url
        if service in ("api", "caller"):
            environment |= shared_by_api_and_caller(settings)
        if settings.values.get("TRACES_EXPORTER") == "file" and "TRACES_FILE" not in settings.values:
            environment["TRACES_FILE"] = str(LOCAL / "log" / "traces.jsonl")
        program = Program(service, [sys.executable, "-m", f"services.{service}"], environment)
        programs.append(replace(program, stop_seconds=_stop_seconds(settings)) if service == "caller" else program)
    return programs


def speech_program(settings: Settings) -> Program:
    """Return the local speech server."""
    port = str(settings.port("REHEARSAL_SPEECH_PORT"))
    return Program(SPEECH, [sys.executable, "-m", "deploy.local.speech", "--port", port], {})


def shared_by_api_and_caller(settings: Settings) -> dict[str, str]:
    """Return where recordings lie, and the secrets by which the two know each other and their links; made once."""
    made = _made_once(HOOK_SECRETS, ("inbound_webhook", "recording_url"))
    shared = {
        "INBOUND_WEBHOOK_SECRET": f"whsec_{b64encode(made['inbound_webhook'].encode()).decode()}",
        "RECORDING_URL_SECRET": made["recording_url"],
    }
    if not settings.values.get("RECORDINGS_BUCKET"):
        shared["RECORDINGS_FOLDER"] = str(LOCAL / "recordings")
    return {name: settings.values.get(name) or value for name, value in shared.items()}


def books_program(settings: Settings) -> Program:
    """Return the watch over the four services' books. Each schema is read as the role that owns it."""
    environment = {f"{service.upper()}_DATABASE_URL": url for service, url in service_urls(settings).items()}
    port = str(settings.port("REHEARSAL_BOOKS_PORT"))
    return Program(BOOKS, [sys.executable, "-m", "deploy.books", "--serve", port], environment)


def service_urls(settings: Settings) -> dict[str, str]:
    """Return the URL that each service connects with."""
    passwords = role_passwords()
    return {service: service_url(admin_url(settings), DATABASE, service, passwords[service]) for service in SERVICES}


def _stop_seconds(settings: Settings) -> int:
    """How long a caller may take to stop: as long as its calls may, and what it needs to say how they ended."""
    minutes, speed = int(settings.values.get("HELD_MINUTES", "1")), float(settings.values.get("CALL_SPEED", "1"))
    drain = float(settings.values.get("DRAIN_SECONDS") or drain_seconds(minutes, speed))
    return ceil(drain) + Program.stop_seconds


def admin_url(settings: Settings) -> str:
    """Return the superuser's URL of the system's database."""
    port = settings.port("REHEARSAL_POSTGRES_PORT")
    return database_url(f"postgresql://127.0.0.1:{port}/", DATABASE, user=postgres.SUPERUSER, password=admin_password())


def supervisor_environment(settings: Settings) -> dict[str, str]:
    """Return what every program inherits: the user's environment and `.local/settings.env`."""
    return {**settings.values, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
