"""What is said in a call, and what the bot was told, is nobody's business but the customer's: no log line has it."""

import logging

import pytest

from tests.integration.caller.instance import Caller, dispatched
from tests.integration.caller.line import Line

pytestmark = pytest.mark.integration

PRIVATE = "xylophone"


@pytest.mark.usefixtures("our_side_fails")
async def test_no_log_line_has_a_prompt_a_number_or_a_word_of_a_call(
    caller: Caller, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target = dispatched(11).target.model_copy(update={"agent_name": PRIVATE})
    line.last_words[12] = RuntimeError(PRIVATE)
    await caller.call(
        dispatched(11, prompt=PRIVATE, target=target),
        dispatched(12, prompt=PRIVATE),
        dispatched(13, prompt=PRIVATE, starts_within_seconds=-1),
    )
    await caller.ear.hear_garbage(dispatched(14, prompt=PRIVATE), value=PRIVATE.encode())
    await caller.reap()
    ours = [record for record in caplog.records if record.name.startswith(("services.", "shared."))]
    assert {"call ended", "call failed on our side", "dead letter", "attempts given up"} <= {
        one.message for one in ours
    }
    for record in ours:
        written = {name: value for name, value in vars(record).items() if name not in ("exc_info", "exc_text")}
        for secret in (PRIVATE, target.agent_number, target.bot_number, "goodbye", "how can I help"):
            assert secret not in str(written), "exceptions go through a formatter that drops their text"
