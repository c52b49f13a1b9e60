"""What an agent's stream did that it should not have: counted, told once at the end, no reason to fall over."""

from collections import Counter
from typing import Literal

Fault = Literal[
    "binary_message",  # the protocols are text
    "unreadable_message",  # no JSON object, or nested deeper than any message is
    "unknown_event",
    "wrong_shape",  # an event without what belongs to it
    "other_stream",  # addressed to a stream that is not this one
    "unreadable_sound",  # no base64
    "sound_cut",  # more than is kept
    "marks_cut",
    "flood",  # more messages than speech can be
    "not_reading",  # it took nothing of what was sent
    "tools_cut",
    "failed_response",  # it said that it could not answer
    "refused_event",  # it said that something of ours was wrong
]


class Faults:
    """Counts of faults."""

    def __init__(self) -> None:
        self._counts: Counter[Fault] = Counter()

    def note(self, fault: Fault) -> None:
        """Count one."""
        self._counts[fault] += 1

    def told(self) -> dict[str, int]:
        """Return what there was, most of it first."""
        return dict(self._counts.most_common())
