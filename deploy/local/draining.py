"""What services that were told to stop still wait for, as their operators' ports say."""

import sys
from collections.abc import Mapping

from deploy.local.readyz import readyz


def waits_of(ports: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    """Return, for each service that drains, what it waits for and how many seconds at most."""
    return {service: wait for service, port in ports.items() if (wait := _wait_of(port)) is not None}


def _wait_of(port: int) -> tuple[str, int] | None:
    draining = (readyz(port) or {}).get("draining")
    return (draining["waits_for"], draining["at_most_seconds"]) if draining and draining["at_most_seconds"] else None


class Teller:
    """Tells a user what is waited for: on a terminal every second on one line, else when what is waited for changes."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._told: dict[str, tuple[str, int]] = {}

    def __call__(self) -> None:
        """Look, and tell what is new."""
        for service, (what, seconds) in waits_of(self._ports).items():
            before = self._told.get(service)
            if before == (what, seconds) or (before and before[0] == what and not sys.stdout.isatty()):
                continue
            self._told[service] = (what, seconds)
            line = f"{service}: {what}, at most {seconds} s"
            sys.stdout.write(f"\r{line:60}" if sys.stdout.isatty() else f"{line}\n")
            sys.stdout.flush()
