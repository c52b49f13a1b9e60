"""What a service that was told to stop still waits for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    """`what` is told to the operator: no more than a count. It is over after `at_most_seconds`, whatever happens."""

    what: str
    at_most_seconds: float


NOTHING = Wait("", 0)
