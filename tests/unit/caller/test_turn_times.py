"""Whatever the parties do: turns come in order, never overlap and lie within the call; and the event can carry them."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from services.caller.domain.attempt import Ended
from services.caller.domain.figures import figures_of
from services.caller.domain.turn import Reply, Side, ToolUse
from services.caller.usecases import saying
from shared.events.envelope import open_sealed, seal
from shared.events.executions import TestCallCompleted
from shared.events.register import BY_EVENT
from tests.unit.caller.builders import NOW, Script, a_call, a_claim, a_dispatch

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)  # NUL and halves of surrogate pairs among them
REPLIES = st.builds(
    Reply,
    text=ANY_TEXT.map(lambda text: text + " so") | st.integers(1, 100).map(lambda words: "word " * words),
    ending=st.sampled_from(["none"] * 8 + ["hang_up", "transfer"]),
    tools=st.lists(st.builds(ToolUse, ANY_TEXT, ANY_TEXT), max_size=3).map(tuple),
    think_ms=st.integers(0, 20_000),
    waited=st.booleans(),
)
SCRIPTS = st.lists(REPLIES, min_size=1, max_size=12).map(lambda replies: Script(*replies))


@settings(max_examples=150, deadline=None)
@given(bot=SCRIPTS, agent=SCRIPTS, first=st.sampled_from(["bot", "agent"]), minutes=st.integers(1, 4))
async def test_turns_are_ordered_within_the_call_and_fit_into_its_event(
    bot: Script, agent: Script, first: Side, minutes: int
) -> None:
    held = await a_call(bot=bot, agent=agent, first=first, minutes=minutes)
    before_ms = 0
    for turn in held.turns:
        assert before_ms <= turn.start_ms <= turn.end_ms
        before_ms = turn.end_ms
    assert before_ms <= held.duration_ms <= minutes * 60_000
    figures = figures_of(held.turns)
    assert all(ms is None or ms >= 0 for ms in (figures.agent_latency_p50_ms, figures.agent_latency_max_ms))
    say = saying.ended(a_claim(), a_dispatch(), Ended(1.0, held, ""), None, started_at=NOW, ended_at=NOW)
    sealed = seal(say.event, event_id="1", occurred_at=datetime.now(UTC), traceparent=None)
    assert open_sealed(BY_EVENT[TestCallCompleted], sealed.value) == say.event, "what was written can be read"
