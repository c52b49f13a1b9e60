"""What an engineer asks about a call first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from services.caller.domain.turn import Turn


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Latency: from the end of the bot's speech to the start of the agent's, in ms. Talk ratio: agent / both."""

    agent_turns: int
    bot_turns: int
    agent_latency_p50_ms: int | None
    agent_latency_max_ms: int | None
    agent_talk_ratio: float | None


def figures_of(turns: Sequence[Turn]) -> CallFigures:
    """Return the figures of a transcript."""
    spoken = [turn for turn in turns if turn.role in ("user", "assistant")]
    latencies = [
        after.start_ms - before.end_ms
        for before, after in pairwise(spoken)
        if before.role == "user" and after.role == "assistant"
    ]
    agent_ms = sum(turn.end_ms - turn.start_ms for turn in spoken if turn.role == "assistant")
    bot_ms = sum(turn.end_ms - turn.start_ms for turn in spoken if turn.role == "user")
    return CallFigures(
        agent_turns=sum(turn.role == "assistant" for turn in spoken),
        bot_turns=sum(turn.role == "user" for turn in spoken),
        agent_latency_p50_ms=median_low(latencies) if latencies else None,
        agent_latency_max_ms=max(latencies, default=None),
        agent_talk_ratio=round(agent_ms / (agent_ms + bot_ms), 3) if agent_ms + bot_ms else None,
    )
