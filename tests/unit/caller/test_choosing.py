"""Who talks to whom: by the agent's connection, and by this deployment's choice of the bot's mind."""

import pytest

from services.caller.domain.turn import Party, PartyError, Reply, Turn
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.choose import ChosenParties
from services.caller.edges.secrets import Secrets
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection, Connection, OpenAIConnection
from tests.unit.caller.builders import a_dispatch
from tests.unit.caller.endpoint import Endpoint


def reached_by(connection: Connection) -> TestCallDispatched:
    """A dispatch to an agent behind a connection."""
    return a_dispatch(target=a_dispatch().target.model_copy(update={"connection": connection}))


def openai(endpoint: Endpoint, key: str | None = None) -> OpenAIConnection:
    return OpenAIConnection(kind="openai", base_url=endpoint.url, model="m", api_key_ref=key, system_prompt="Be kind.")


@pytest.fixture
def parties(asks: HttpAsks, monkeypatch: pytest.MonkeyPatch) -> ChosenParties:
    """A deployment with an agent's key and one of its own."""
    monkeypatch.setenv("AGENT_KEY_1_ACME", "sk-acme")
    monkeypatch.setenv("OWN_KEY", "sk-own")
    return ChosenParties(Secrets(), asks)


async def first_line(party: Party) -> Reply:
    return await party.take_turn(())


async def test_the_builtin_agent_greets_by_its_name(parties: ChosenParties) -> None:
    assert "Ann" in (await first_line(parties.agent(a_dispatch()))).text


async def test_the_agent_for_load_tests_hangs_up_without_a_word(parties: ChosenParties) -> None:
    reply = await first_line(parties.agent(reached_by(BuiltinConnection(persona="hang-up"))))
    assert (reply.text, reply.ending) == ("", "hang_up")


async def test_an_agent_behind_an_endpoint_gets_its_own_prompt_and_key(
    parties: ChosenParties, endpoint: Endpoint
) -> None:
    await first_line(parties.agent(reached_by(openai(endpoint, "env:AGENT_KEY_1_ACME"))))
    assert endpoint.asked[0]["messages"][0]["content"] == "Be kind."
    assert endpoint.keys == ["Bearer sk-acme"]


@pytest.mark.parametrize(("org_id", "key"), [(1, "env:OWN_KEY"), (12, "env:AGENT_KEY_1_ACME")])
async def test_an_agent_cannot_have_our_own_keys_or_another_s_sent_to_it(
    parties: ChosenParties, endpoint: Endpoint, org_id: int, key: str
) -> None:
    with pytest.raises(PartyError):
        parties.agent(reached_by(openai(endpoint, key)).model_copy(update={"org_id": org_id}))
    assert endpoint.asked == []


async def test_a_bot_with_a_mind_gets_the_role_and_the_operator_s_key(
    parties: ChosenParties, asks: HttpAsks, endpoint: Endpoint
) -> None:
    minded = ChosenParties(parties.secrets, asks, openai(endpoint, "env:OWN_KEY"))
    await first_line(minded.bot(a_dispatch(prompt="You are Maria.")))
    told = endpoint.asked[0]["messages"][0]["content"]
    assert told.startswith("You are a test caller")
    assert told.endswith("The role:\nYou are Maria.")
    assert endpoint.keys == ["Bearer sk-own"]


async def test_a_bot_that_is_called_is_not_told_that_it_calls(
    parties: ChosenParties, asks: HttpAsks, endpoint: Endpoint
) -> None:
    minded = ChosenParties(parties.secrets, asks, openai(endpoint, "env:OWN_KEY"))
    bot = minded.bot(a_dispatch(prompt="You are Maria.", direction="inbound"))
    await first_line(bot)
    await bot.take_turn((Turn("user", "text/plain", "Hello?", 0, 1), Turn("assistant", "text/plain", "Hi.", 1, 2)))
    for asked in endpoint.asked:
        told = " ".join(message["content"] for message in asked["messages"])
        assert "has called you" in told
        assert "phone rings and you answer" in told
        assert "caller" not in asked["messages"][0]["content"]
        assert "Your call was answered" not in told


@pytest.mark.parametrize("url", ["http://[::1", "http://:", "http://a:b:c/"])
async def test_an_address_that_is_none_fails_the_call_and_not_the_caller(parties: ChosenParties, url: str) -> None:
    connection = OpenAIConnection(kind="openai", base_url=url, model="m")
    with pytest.raises(PartyError):
        await first_line(parties.agent(reached_by(connection)))


def test_a_prompt_that_the_offline_bot_cannot_play_is_refused_before_anybody_is_called(parties: ChosenParties) -> None:
    with pytest.raises(PartyError, match="in English only"):
        parties.bot(a_dispatch(prompt="Fragen Sie nach den Öffnungszeiten am Sonntag."))
