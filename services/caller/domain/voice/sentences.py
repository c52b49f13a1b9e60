"""Why a spoken call ended otherwise than in order, in sentences for the customer."""

from services.caller.domain.conversation import EndReason
from services.caller.domain.media import LegEnd
from services.caller.domain.turn import Side

OTHER: dict[Side, Side] = {"bot": "agent", "agent": "bot"}
HUNG_UP: dict[Side, EndReason] = {"bot": "caller_hangup", "agent": "agent_end"}
NEVER_SPOKE: dict[Side, str] = {
    "agent": "The agent answered and never said a word",
    "bot": "The test bot was on the line and never said a word",
}
FELL_SILENT: dict[Side, str] = {
    "agent": "The agent fell silent during the call",
    "bot": "The test bot fell silent during the call",
}
BROKE: dict[LegEnd, dict[Side, str]] = {
    "silent_line": {
        "agent": "No sound came from the agent any more: the line was silent",
        "bot": "No sound came from the test bot any more: the line was silent",
    },
    "broken": {
        "agent": "The connection to the agent broke during the call",
        "bot": "The connection to the test bot broke during the call",
    },
}


class Over(Exception):  # noqa: N818
    """The call ends, in order unless there is a sentence."""

    def __init__(self, reason: EndReason, sentence: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


def left_by(side: Side, how: LegEnd) -> Over:
    """Return the end of a call in which nothing comes from that side any more."""
    return Over(HUNG_UP[side]) if how == "far_end" else Over("error", BROKE[how][side])
