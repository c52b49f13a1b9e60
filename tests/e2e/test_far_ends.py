"""What the running caller sends to far ends: once, where it may, with secrets of the organisation's own."""

from typing import Any

import pytest
from starlette.responses import JSONResponse

from shared.events.connection import OpenAIConnection
from shared.events.directory import AgentUpserted
from tests.support.system import Org, System, a_call
from tests.support.waiting import eventually
from tests.unit.caller.endpoint import Endpoint, an_endpoint, saying

pytestmark = pytest.mark.e2e
ANOTHER_ORG = 9_999_999


async def agent_at(system: System, org: Org, nth: int, url: str, key: str | None = None) -> int:
    """Publish an agent behind an endpoint, and wait until the API knows it."""
    connection = OpenAIConnection(kind="openai", base_url=url, model="m", api_key_ref=key)
    agent_id = org.agent_id + 100 + nth
    await system.platform.publish(
        [AgentUpserted(org_id=org.org_id, agent_id=agent_id, name="Ann", connection=connection)]
    )

    async def known() -> bool:
        return bool(await system.rows("SELECT FROM api.agents WHERE agent_id = $1", agent_id))

    await eventually(known, within_seconds=20, what="the agent is known")
    return agent_id


async def test_far_ends_are_reached_once_where_they_may_be_and_with_their_own_secrets(idle_system: System) -> None:
    system = idle_system
    for service in ("api", "scheduler", "billing"):
        system.start(service)
    await system.ready()
    org = await system.org()
    own, another = f"AGENT_KEY_{org.org_id}_CRM", f"AGENT_KEY_{ANOTHER_ORG}_CRM"
    system.start("caller", AGENT_ALLOWED_NETWORKS="127.0.0.1/32", **{own: "sk-own", another: "sk-another"})
    await system.ready("caller")

    async with an_endpoint() as good, an_endpoint() as away:
        good.answers = [saying("Hello."), saying("Goodbye. **[END_CALL]**")]
        away.answers = [JSONResponse({}, status_code=503, headers={"retry-after": "1"}), saying("Hello.")]
        urls: list[tuple[str, str | None]] = [
            (good.url, f"env:{own}"),
            (away.url, None),
            (good.url.replace("127.0.0.1", "127.0.0.2"), None),
            (good.url, f"env:{another}"),
        ]
        agents = [await agent_at(system, org, nth, url, key) for nth, (url, key) in enumerate(urls)]
        for agent_id in agents:
            created = await system.post(org, "/v1/test-calls", a_call(org, target_id=agent_id))
            assert created.status_code == 201, created.text
        runs = {run["target_id"]: run for run in await system.all_ended(org, runs=len(agents))}

    outcomes = [_outcome(runs[agent_id]) for agent_id in agents]
    assert outcomes == [
        "completed",
        "The agent's endpoint answered 503: it asks to wait 1 s",
        "The agent's endpoint has no address that is called from here: its name is unknown, or leads inside",
        "The agent's API key is not known on this deployment",
    ]
    assert len(away.asked) == 1, "nothing is sent twice"
    assert set(good.keys) == {"Bearer sk-own"}
    assert [turn["content"] for turn in runs[agents[0]]["transcript"] if turn["role"] == "assistant"][-1] == "Goodbye."
    _assert_one_call(good)


def _outcome(run: dict[str, Any]) -> str:
    return str(run["error_message"] or run["status"])


def _assert_one_call(endpoint: Endpoint) -> None:
    greetings = [body for body in endpoint.asked if all(one["role"] != "assistant" for one in body["messages"])]
    assert len(greetings) == 1
