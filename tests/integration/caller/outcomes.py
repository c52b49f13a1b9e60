"""What was said of a run."""

from collections.abc import Sequence

from shared.events.event import Event
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed


def ends_of(said: Sequence[Event], run_id: int) -> list[TestCallCompleted | TestCallFailed]:
    """The terminal events of a run."""
    return [one for one in said if isinstance(one, (TestCallCompleted, TestCallFailed)) and one.run_id == run_id]


def failures_of(said: Sequence[Event], run_id: int) -> list[str]:
    """The sentences that a run failed with; a completion is none."""
    return [one.error_message for one in ends_of(said, run_id) if isinstance(one, TestCallFailed)]


def starts_of(said: Sequence[Event], run_id: int) -> list[CallStarted]:
    """The starts of a run."""
    return [one for one in said if isinstance(one, CallStarted) and one.run_id == run_id]
