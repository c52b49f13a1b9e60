"""The caller's events: seen from the agent, readable by everyone, and never cheaper or dearer than the call was."""

import pytest

from services.caller.domain.attempt import SHUT_DOWN, Ended
from services.caller.domain.conversation import Conversation
from services.caller.domain.limits import MAX_TURN_CHARS
from services.caller.domain.turn import Reply
from services.caller.usecases import saying
from shared.events.envelope import open_sealed, seal
from shared.events.event import Event
from shared.events.executions import CallStarted, TestCallCompleted, TestCallFailed
from shared.events.register import BY_EVENT
from shared.events.topics import MAX_RECORD_BYTES
from tests.unit.caller.builders import AGENT_NUMBER, BOT_NUMBER, NOW, Script, a_call, a_claim, a_dispatch, a_turn

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def ended(held: Conversation, *, answered: bool = True, failure: str = "") -> Event:
    """What is said of a call that ended."""
    end, started_at = (Ended(1.0, held, failure), NOW) if answered else (Ended(None, held, failure), None)
    return saying.ended(a_claim(), a_dispatch(), end, None, started_at=started_at, ended_at=NOW).event


@pytest.mark.parametrize(
    ("run", "call", "from_number", "to_number"),
    [("outbound", "inbound", BOT_NUMBER, AGENT_NUMBER), ("inbound", "outbound", AGENT_NUMBER, BOT_NUMBER)],
)
def test_a_call_log_is_seen_from_the_agent(run: str, call: str, from_number: str, to_number: str) -> None:
    say = saying.started(a_claim(), a_dispatch(direction=run), NOW, TRACEPARENT)
    assert isinstance(say.event, CallStarted)
    assert (say.event.direction, say.event.from_number, say.event.to_number) == (call, from_number, to_number)
    assert say.traceparent == TRACEPARENT


@pytest.mark.parametrize(("ms", "seconds"), [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (59_500, 60)])
def test_a_duration_is_rounded_up(ms: int, seconds: int) -> None:
    event = ended(Conversation((), "caller_hangup", ms))
    assert isinstance(event, TestCallCompleted)
    assert event.duration_seconds == seconds


def test_a_call_that_failed_says_why_and_keeps_what_was_said() -> None:
    event = ended(Conversation((a_turn("user", 0, 900),), "error", 900, "It broke"), failure="It broke")
    assert isinstance(event, TestCallFailed)
    assert (event.error_message, event.duration_seconds, len(event.transcript)) == ("It broke", 1, 1)
    assert (event.call_id, event.started_at) == (a_claim().call_id, NOW)


def test_of_a_call_that_was_never_answered_nothing_is_said_but_the_reason() -> None:
    event = ended(Conversation((), "error", 0), answered=False, failure=SHUT_DOWN)
    assert isinstance(event, TestCallFailed)
    assert (event.call_id, event.started_at, event.duration_seconds) == (None, None, None)
    assert event.error_message == SHUT_DOWN


@pytest.mark.parametrize("said", ["a\x00b", "\x00", "half \ud83d of a pair", "\udfff", "\ud800\udc00"])
def test_what_no_column_and_no_codec_takes_never_makes_an_unreadable_event(said: str) -> None:
    event = ended(Conversation((a_turn("assistant", 0, 900, said),), "agent_end", 900))
    sealed = seal(event, event_id="1", occurred_at=NOW, traceparent=None)
    assert open_sealed(BY_EVENT[TestCallCompleted], sealed.value) == event


async def test_the_longest_call_of_the_worst_characters_fits_into_a_record() -> None:
    worst = Reply("\x01" * MAX_TURN_CHARS)  # six bytes each as JSON
    held = await a_call(bot=Script(worst), agent=Script(worst), minutes=60)
    sealed = seal(ended(held), event_id="1", occurred_at=NOW, traceparent=None)
    assert MAX_RECORD_BYTES / 2 < len(sealed.value or b"") <= MAX_RECORD_BYTES
