"""Time that passes when a test says so."""


class Time:
    """A clock to set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
