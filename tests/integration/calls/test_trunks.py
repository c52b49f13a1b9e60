"""Runs with `mode=sip` through a trunk that asks for a password, which is the organisation's own secret."""

from pathlib import Path
from typing import Any

import pytest

from services.caller.edges.secrets import Secrets
from shared.events.admissions import TestCallDispatched
from shared.events.connection import SipConnection
from shared.events.executions import TestCallCompleted, TestCallFailed
from tests.integration.calls.exchange import HOST, an_exchange
from tests.integration.calls.runs import made
from tests.integration.calls.test_loopback import Scripted, holds_nothing
from tests.support.trunk import PASSWORD, USERNAME, Trunk, a_trunk
from tests.unit.caller.builders import a_dispatch

OWN, WRONG, OTHERS, MISSING = "env:AGENT_KEY_1_TRUNK", "env:AGENT_KEY_1_OLD", "env:AGENT_KEY_2_TRUNK", "env:NOWHERE"
SECRETS = Secrets(environ={"AGENT_KEY_1_TRUNK": PASSWORD, "AGENT_KEY_1_OLD": "guessed", "AGENT_KEY_2_TRUNK": PASSWORD})
NOT_ACCEPTED = "The SIP trunk did not accept the credentials"
NOT_KNOWN = "The password for the agent's SIP trunk is not known on this deployment"


def through(trunk: Trunk, reference: str | None, **fields: Any) -> TestCallDispatched:
    """A run of organisation 1 through a trunk, whose password a reference names."""
    dispatch = a_dispatch(mode="sip")
    connection = SipConnection(
        kind="sip",
        uri=f"sip:agent@{HOST}:{trunk.peer.address[1]}",
        username=USERNAME if reference is not None else None,
        credentials_ref=reference,
        **fields,
    )
    return dispatch.model_copy(update={"target": dispatch.target.model_copy(update={"connection": connection})})


async def test_a_trunk_that_is_told_the_password_takes_the_call(tmp_path: Path) -> None:
    async with a_trunk() as trunk, an_exchange(tmp_path, Scripted(), first_port=34_800, secrets=SECRETS) as exchange:
        end = await made(exchange, through(trunk, OWN))
        await holds_nothing(exchange)
    assert trunk.answered == 1
    assert isinstance(end, TestCallCompleted)
    assert end.end_reason == "agent_end"


@pytest.mark.parametrize(
    ("reference", "sentence", "is_called"),
    [
        (WRONG, NOT_ACCEPTED, True),
        (None, NOT_ACCEPTED, True),
        (OTHERS, NOT_KNOWN, False),
        (MISSING, NOT_KNOWN, False),
    ],
)
async def test_without_the_password_the_run_fails_with_a_sentence_and_costs_nothing(
    tmp_path: Path, reference: str | None, sentence: str, is_called: bool
) -> None:
    """Another's secret is refused with the words for one that is not there, before anybody hears of the call."""
    async with a_trunk() as trunk, an_exchange(tmp_path, Scripted(), first_port=34_800, secrets=SECRETS) as exchange:
        end = await made(exchange, through(trunk, reference))
        await holds_nothing(exchange)
    assert isinstance(end, TestCallFailed), "a run that failed is not charged"
    assert end.error_message == sentence
    assert (end.started_at, end.duration_seconds, end.call_id) == (None, None, None)
    assert trunk.answered == 0
    assert bool(trunk.invites) is is_called
    assert all(PASSWORD not in one.raw.decode() for one in trunk.invites)


@pytest.mark.parametrize("asserted", [True, False])
async def test_the_callers_identity_is_asserted_if_the_connection_says_so(tmp_path: Path, asserted: bool) -> None:
    async with a_trunk() as trunk, an_exchange(tmp_path, Scripted(), first_port=34_800, secrets=SECRETS) as exchange:
        await made(exchange, through(trunk, OWN, asserted_identity=asserted, display_name="Ann"))
    assert trunk.invites
    for invite in trunk.invites:
        assert bool(invite.header("p-asserted-identity")) is asserted
        assert invite.header("from").startswith('"Ann" <sip:')
