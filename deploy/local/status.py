"""`make status`: which process runs, where, and whether it is ready."""

import sys

from deploy.local import supervision
from deploy.local.readyz import readyz
from deploy.local.running import settings_in_force
from deploy.local.settings import BOOKS, SERVICES, SPEECH, Settings, read_settings


def describe(settings: Settings) -> list[str]:
    """Return a line for each process."""
    ports = {"postgres": settings.port("REHEARSAL_POSTGRES_PORT"), "kafka": settings.port("REHEARSAL_KAFKA_PORT")}
    ports |= {service: settings.ops_port(service) for service in SERVICES}
    ports[SPEECH] = settings.port("REHEARSAL_SPEECH_PORT")
    ports[BOOKS] = settings.port("REHEARSAL_BOOKS_PORT")
    lines = [f"{'process':10} {'state':10} {'port':6} ready"]
    for name, one in sorted(supervision.states().items(), key=lambda item: list(ports).index(item[0])):
        ready = _readiness(ports[name]) if name in (*SERVICES, SPEECH, BOOKS) else "-"
        lines.append(f"{name:10} {one['statename']:10} {ports[name]:<6} {ready}")
    return lines


def _readiness(port: int) -> str:
    told = readyz(port)
    if told is None:
        return "no answer"
    waiting = [part for part, ready in told["parts"].items() if not ready]
    return f"no: {', '.join(waiting)}" if waiting else "yes"


if __name__ == "__main__":
    if not supervision.is_running():
        raise SystemExit("nothing is running: make up")
    sys.stdout.write("\n".join(describe(settings_in_force(read_settings())[0])) + "\n")
