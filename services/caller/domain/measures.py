"""What a call's sound says about its two sides. Milliseconds on the media clock, from the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median_low

MIN_OVERLAP_MS = 100  # a shorter one is good timing, no interruption
DEAD_AIR_MS = 3_000  # so long nobody speaks before it is dead air, which then counts from its beginning


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which one side speaks."""

    start_ms: float
    end_ms: float

    @property
    def length_ms(self) -> float:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class AgentLatency:
    """How long the agent took to answer what the bot had said until `at_ms`."""

    at_ms: int
    latency_ms: int


@dataclass(frozen=True, slots=True)
class CallMeasures:
    """Each latency is right within `latency_uncertainty_ms`. None: there was nothing to measure.

    `barge_in_stop_ms`: from the bot's first word over the agent's speech to the agent's silence, the median.
    """

    agent_latencies: tuple[AgentLatency, ...] = ()
    agent_latency_p50_ms: int | None = None
    agent_latency_p95_ms: int | None = None
    latency_uncertainty_ms: int | None = None
    agent_talk_ratio: float | None = None
    interruptions_by_agent: int = 0
    interruptions_by_bot: int = 0
    barge_in_stop_ms: int | None = None
    dead_air_ms: int = 0


def measures_of(
    bot: Sequence[Span], agent: Sequence[Span], *, duration_ms: float, uncertainty_ms: float
) -> CallMeasures:
    """Return the measures of a call. Spans: in order, those of one side apart from each other."""
    latencies = _latencies(bot, agent)
    sorted_ms = sorted(one.latency_ms for one in latencies)
    stops_ms = [talked_over.end_ms - began for began, talked_over in _began_over(bot, agent)]
    bot_ms, agent_ms = (sum(span.length_ms for span in spans) for spans in (bot, agent))
    return CallMeasures(
        agent_latencies=tuple(latencies),
        agent_latency_p50_ms=median_low(sorted_ms) if sorted_ms else None,
        agent_latency_p95_ms=sorted_ms[ceil(0.95 * len(sorted_ms)) - 1] if sorted_ms else None,
        latency_uncertainty_ms=ceil(uncertainty_ms) if sorted_ms else None,
        agent_talk_ratio=round(agent_ms / (agent_ms + bot_ms), 3) if agent_ms + bot_ms else None,
        interruptions_by_agent=len(_began_over(agent, bot)),
        interruptions_by_bot=len(stops_ms),
        barge_in_stop_ms=round(median_low(stops_ms)) if stops_ms else None,
        dead_air_ms=_dead_air_ms([*bot, *agent], duration_ms),
    )


def _latencies(bot: Sequence[Span], agent: Sequence[Span]) -> list[AgentLatency]:
    """Return one for each time that the agent speaks next after the bot's end."""
    found = []
    heard_until = float("-inf")  # the agent's last word
    for span in agent:
        ended = [said.end_ms for said in bot if said.start_ms < span.start_ms]
        asked_ms = ended[-1] if ended else None
        if asked_ms is not None and heard_until < asked_ms < span.start_ms + MIN_OVERLAP_MS:
            found.append(AgentLatency(round(asked_ms), max(0, round(span.start_ms - asked_ms))))
        heard_until = span.end_ms
    return found


def _began_over(who: Sequence[Span], whom: Sequence[Span]) -> list[tuple[float, Span]]:
    """Return when one side began to talk while the other one did, and what it talked over."""
    return [
        (one.start_ms, other)
        for one in who
        for other in whom
        if other.start_ms < one.start_ms and min(one.end_ms, other.end_ms) - one.start_ms >= MIN_OVERLAP_MS
    ]


def _dead_air_ms(spans: Sequence[Span], duration_ms: float) -> int:
    silent_ms, spoken_until = 0.0, 0.0
    for span in [*sorted(spans, key=lambda one: one.start_ms), Span(duration_ms, duration_ms)]:
        if (gap_ms := span.start_ms - spoken_until) >= DEAD_AIR_MS:
            silent_ms += gap_ms
        spoken_until = max(spoken_until, span.end_ms)
    return round(silent_ms)
