"""A run that has not ended, as far as cancelling it goes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenRun:
    """`is_asked`: it was asked to end before."""

    run_id: int
    request_id: int
    batch_id: int | None
    is_asked: bool
