"""Makes the two sides of a call: by the agent's connection, and by this deployment's choice of the bot's mind."""

from dataclasses import dataclass

import httpx2

from services.caller.domain.turn import Party, PartyError
from services.caller.edges.parties.offline.agent import HangUpAgent, OfflineAgent
from services.caller.edges.parties.offline.bot import OfflineBot
from services.caller.edges.parties.offline.language import is_english
from services.caller.edges.parties.openai_chat import BOT_PROMPT, OpenAIParty
from services.caller.edges.secrets import Secrets
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection, OpenAIConnection

HANG_UP_PERSONA = "hang-up"
ENGLISH_ONLY = "The test bot of this deployment is rule-based and plays scenarios in English only"
OWN_SECRETS = Secrets(("",), whose="test bot")  # the bot's mind is named by the operator, who may name anything


@dataclass(frozen=True, slots=True)
class ChosenParties:
    """`bot_mind` is the endpoint of the bot's mind; None for the offline one."""

    secrets: Secrets
    http: httpx2.AsyncClient
    bot_mind: OpenAIConnection | None = None

    def bot(self, dispatch: TestCallDispatched) -> Party:
        """Return the test bot. Raises PartyError for a secret that is not there, or a prompt that it cannot play."""
        if self.bot_mind is None:
            if not is_english(dispatch.prompt):
                raise PartyError(ENGLISH_ONLY)  # before anybody is called: small talk would be charged
            return OfflineBot(dispatch.prompt)
        return self._openai("bot", self.bot_mind, BOT_PROMPT + dispatch.prompt, OWN_SECRETS)

    def agent(self, dispatch: TestCallDispatched) -> Party:
        """Return the agent under test. Raises PartyError for a secret that is not there."""
        match dispatch.target.connection:
            case BuiltinConnection(persona=persona):
                return HangUpAgent() if persona == HANG_UP_PERSONA else OfflineAgent(dispatch.target.agent_name)
            case OpenAIConnection() as connection:
                return self._openai("agent", connection, connection.system_prompt, self.secrets)

    def _openai(self, side: str, connection: OpenAIConnection, system_prompt: str, secrets: Secrets) -> Party:
        return OpenAIParty(
            "bot" if side == "bot" else "agent",
            base_url=connection.base_url,
            model=connection.model,
            api_key=secrets.resolve(connection.api_key_ref),
            system_prompt=system_prompt,
            http=self.http,
        )
