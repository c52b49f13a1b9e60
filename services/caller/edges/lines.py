"""Where a process is on the network. Read with the settings, also by those who only start the services."""

from dataclasses import dataclass

MIN_PORT, MAX_PORT = 1_024, 65_535


@dataclass(frozen=True, slots=True)
class Lines:
    """SIP on one port (0: any), RTP on a range of them, both on one address."""

    host: str
    sip_port: int
    first_media_port: int
    last_media_port: int


def read_range(listed: str) -> tuple[int, int]:
    """Read `20000-20999`. Raises ValueError."""
    first, dash, last = listed.partition("-")
    if not (dash and first.strip().isdecimal() and last.strip().isdecimal()):
        raise ValueError("must be two ports, like 20000-20999")
    low, high = int(first), int(last)
    if not MIN_PORT <= low < high <= MAX_PORT or low + low % 2 + 1 > high:
        raise ValueError(f"must be ports from {MIN_PORT} to {MAX_PORT}, with at least an even one and the one above it")
    return low, high
