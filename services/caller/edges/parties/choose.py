"""Makes the two sides of a call: by the agent's connection, and by this deployment's choice of the bot's mind."""

from dataclasses import dataclass, field

from services.caller.domain.limits import REPLY_LIMIT_SECONDS
from services.caller.domain.turn import Party, PartyError, Side
from services.caller.edges.endpoints.asking import Asks
from services.caller.edges.parties.bot_prompt import bot_prompt
from services.caller.edges.parties.chat.shapes import KnownShapes
from services.caller.edges.parties.offline.agent import HangUpAgent, OfflineAgent
from services.caller.edges.parties.offline.bot import OfflineBot
from services.caller.edges.parties.offline.language import is_english
from services.caller.edges.parties.openai_chat import Endpoint, OpenAIParty
from services.caller.edges.secrets import Secrets, own_secret
from shared.events.admissions import TestCallDispatched
from shared.events.connection import BuiltinConnection, OpenAIConnection

HANG_UP_PERSONA = "hang-up"
ENGLISH_ONLY = "The test bot of this deployment is rule-based and plays scenarios in English only"

NOT_BY_TEXT = "An agent whose connection is {kind} is not called by text"


@dataclass(frozen=True, slots=True)
class ChosenParties:
    """`bot_mind` is the endpoint of the bot's mind; None for the offline one."""

    secrets: Secrets
    asks: Asks
    bot_mind: OpenAIConnection | None = None
    reply_limit_seconds: float = REPLY_LIMIT_SECONDS
    known: KnownShapes = field(default_factory=KnownShapes)

    def bot(self, dispatch: TestCallDispatched) -> Party:
        """Return the test bot. Raises PartyError for a secret that is not there, or a prompt that it cannot play."""
        if self.bot_mind is None:
            if not is_english(dispatch.prompt):
                raise PartyError(ENGLISH_ONLY)  # before anybody is called: small talk would be charged
            return OfflineBot(dispatch.prompt)
        key = own_secret(self.bot_mind.api_key_ref)
        return self._openai("bot", self.bot_mind, key, None, bot_prompt(dispatch.direction, dispatch.prompt))

    def agent(self, dispatch: TestCallDispatched) -> Party:
        """Return the agent under test. Raises PartyError for a secret that is not there, or another's."""
        match dispatch.target.connection:
            case BuiltinConnection(persona=persona):
                return HangUpAgent() if persona == HANG_UP_PERSONA else OfflineAgent(dispatch.target.agent_name)
            case OpenAIConnection() as connection:
                key = self.secrets.resolve(dispatch.org_id, connection.api_key_ref)
                return self._openai("agent", connection, key, dispatch.org_id, connection.system_prompt)
            case connection:
                raise PartyError(NOT_BY_TEXT.format(kind=connection.kind))

    def _openai(self, side: Side, connection: OpenAIConnection, key: str, org_id: int | None, prompt: str) -> Party:
        return OpenAIParty(
            side,
            Endpoint(connection.base_url, connection.model, key, org_id),
            prompt,
            asks=self.asks,
            known=self.known,
            limit_seconds=self.reply_limit_seconds,
        )
