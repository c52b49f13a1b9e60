"""`make up`: everything runs and is ready when this returns; `.local/rehearsal.env` tells scripts where."""

import asyncio
import json
import sys
import time

from deploy.demo.seed import KEYS_FILE, seed
from deploy.local import kafka_broker, plan, postgres, supervision
from deploy.local.log_end import end_of
from deploy.local.missing import Missing, find_java, find_maven
from deploy.local.ports import require_free
from deploy.local.readyz import readyz
from deploy.local.running import remember, settings_in_force
from deploy.local.service_settings import read_as_services_do
from deploy.local.settings import BOOKS, LOCAL, PORTS, SERVICES, SPEECH, Settings, read_settings
from deploy.local.speech.finding import find_flite
from deploy.local.speech.finding_whisper import find_whisper
from deploy.provision.database import provision_database
from shared.messaging.cluster import create_topics

READY_SECONDS = 60.0


def say(sentence: str) -> None:
    """Tell the user what happens."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def bring_up() -> Settings:
    """Bring the system up, or what of it is down."""
    settings = read_settings()
    find_java()
    if not kafka_broker.jars_are_there():
        find_maven()
    LOCAL.mkdir(exist_ok=True)
    if supervision.is_running():
        say("already up; starting what is stopped")
        settings, differences = settings_in_force(settings)
        for difference in differences:
            say(f"note: {difference}")
    else:
        for name in PORTS:
            require_free(settings.port(name), name)
        read_as_services_do(settings)  # what no service would start with is told at once
        speaks = _may_speak(settings)
        say("preparing PostgreSQL and Kafka")
        programs = [
            *plan.prepare_infrastructure(settings),
            *([plan.speech_program(settings)] if speaks else []),
            *plan.service_programs(settings, speaks=speaks),
            plan.books_program(settings),
        ]
        supervision.start(supervision.write_configuration(programs), plan.supervisor_environment(settings))
        remember(settings)
    there_are = supervision.states()
    supervision.start_programs([name for name in supervision.INFRASTRUCTURE if name in there_are])
    postgres.wait_until_ready(settings.port("REHEARSAL_POSTGRES_PORT"), LOCAL / "log" / "postgres.log")
    kafka_broker.wait_until_ready(settings.port("REHEARSAL_KAFKA_PORT"), LOCAL / "log" / "kafka.log")
    say(f"PostgreSQL ({postgres.find_binaries()[1]}) and Kafka {kafka_broker.VERSION} run")
    asyncio.run(_provision(settings))
    supervision.start_programs(SERVICES)
    for service in SERVICES:
        _wait_until_ready(service, settings.ops_port(service))
    say("four services are ready")
    if SPEECH in there_are:
        _wait_until_ready(SPEECH, settings.port("REHEARSAL_SPEECH_PORT"))
        say(f"the speech server is ready: flite and {settings.stt}")
    supervision.start_programs([BOOKS])
    asyncio.run(seed(settings.kafka, settings.api_url, KEYS_FILE))
    _write_environment(settings)
    return settings


def _may_speak(settings: Settings) -> bool:
    """Say whether a speech server is to run here; where nothing can speak, say what is missing.

    Raises Missing where what is to read was chosen, and is not there.
    """
    if settings.values.get("SPEECH_BASE_URL"):
        return False
    if settings.stt == "whisper":
        find_whisper(settings)
    try:
        find_flite(LOCAL)
    except Missing as missing:
        say(f"note: {missing}. No call has audio until then (make down, make up); all others go on")
        return False
    return True


async def _provision(settings: Settings) -> None:
    await provision_database(plan.admin_url(settings), plan.DATABASE, plan.role_passwords())
    await create_topics(settings.kafka)


def _wait_until_ready(service: str, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        told = readyz(port)
        if told is not None and all(told["parts"].values()):
            return
        time.sleep(0.1)
    said = "no answer" if told is None else json.dumps(told)
    raise SystemExit(
        f"{service} is not ready after {READY_SECONDS:.0f} s ({said}). {end_of(LOCAL / 'log' / f'{service}.log')}"
    )


def _write_environment(settings: Settings) -> None:
    keys = json.loads(KEYS_FILE.read_text())
    values = {
        "REHEARSAL_URL": settings.api_url,
        "REHEARSAL_API_KEY": keys["api_key"],
        "REHEARSAL_AGENT_ID": keys["agent_id"],
        "REHEARSAL_PHONE_NUMBER_ID": keys["phone_number_id"],
        "REHEARSAL_SECOND_API_KEY": keys["second_api_key"],
        "REHEARSAL_SECOND_AGENT_ID": keys["second_agent_id"],
        "REHEARSAL_KAFKA": settings.kafka,
        "REHEARSAL_DATABASE_URL": plan.admin_url(settings),
        **{f"REHEARSAL_OPS_{name.upper()}": f"http://127.0.0.1:{settings.ops_port(name)}" for name in SERVICES},
    }
    plan.private_file(LOCAL / "rehearsal.env", "".join(f"{key}={value}\n" for key, value in values.items()))


if __name__ == "__main__":
    up = bring_up()
    say(f"up: {up.api_url} (docs: {up.api_url}/docs); settings for shells: .local/rehearsal.env")
