"""A party behind an OpenAI-compatible chat endpoint: the agent under test, or the test bot's own mind.

A party hangs up by the tool `end_call` (an agent may also `transfer_call`); for endpoints without tools the marker
`[END_CALL]` or `[TRANSFER_CALL]` at the end of a text does the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from services.caller.domain.limits import MAX_TURN_CHARS
from services.caller.domain.turn import Reply, Side, Turn
from services.caller.edges.endpoints.asking import Answer, Asks
from services.caller.edges.endpoints.failures import TooSlow, Unanswered
from services.caller.edges.parties.chat import sentences
from services.caller.edges.parties.chat.address import BadAddress, read_address
from services.caller.edges.parties.chat.answers import Completion, Unreadable, read_answer
from services.caller.edges.parties.chat.messages import NoMessage, read_message
from services.caller.edges.parties.chat.refusals import may_be_tools, refused_parameters
from services.caller.edges.parties.chat.shapes import KnownShapes, Shape, body_of

USER_AGENT = "rehearsal/0.1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How an endpoint is reached. `org_id`: whose it is; None for the operator's own."""

    base_url: str
    model: str
    api_key: str
    org_id: int | None


class OpenAIParty:
    """One side of one call. Raises PartyError for an address that is none."""

    def __init__(
        self,
        side: Side,
        endpoint: Endpoint,
        system_prompt: str,
        *,
        asks: Asks,
        known: KnownShapes,
        limit_seconds: float,
    ) -> None:
        self._side = side
        self._model = endpoint.model
        self._org_id = endpoint.org_id
        self._system_prompt = system_prompt
        self._asks = asks
        self._known = known
        self._limit_seconds = limit_seconds
        try:
            self._address = read_address(endpoint.base_url)
        except BadAddress as bad:
            raise sentences.sentence(side, str(bad)) from None
        self._key = (endpoint.org_id, self._address.base, endpoint.model)
        self._headers = {
            "Host": self._address.host,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a small answer must not unpack into a large one
            "User-Agent": USER_AGENT,
        }
        if endpoint.api_key:
            bearer = "Bearer " if self._address.key_header == "Authorization" else ""
            self._headers[self._address.key_header] = bearer + endpoint.api_key

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Ask the endpoint. Raises PartyError, never with contents.

        A request goes out once. Only one whose parameter was refused, and which was therefore not worked on, is
        followed by one without it. What the far end took for the last one is real time of the call; all else is ours.
        """
        shape, left_seconds = self._known.of(self._key), self._limit_seconds
        refused: dict[str, None] = {}  # in their order
        guessed = False
        while True:
            answer = await self._ask(shape, turns, left_seconds)
            left_seconds -= answer.took_seconds
            read = read_answer(answer)
            if isinstance(read, Completion):
                self._known.remember(self._key, shape)
                return self._reply(read, answer.took_seconds)
            if isinstance(read, Unreadable):
                what = "a web page instead of an answer" if read.page else "an answer that could not be read"
                raise sentences.sentence(self._side, f"gave {what}")
            names = refused_parameters(read, shape)
            refused |= dict.fromkeys(sorted(names))
            if not names and not guessed and not refused and may_be_tools(read, shape):
                names, guessed = frozenset({"tools"}), True
            if not names:
                raise sentences.refused(self._side, read, refused, guessed=guessed)
            shape = shape.without(names)

    async def _ask(self, shape: Shape, turns: Sequence[Turn], limit_seconds: float) -> Answer:
        body = body_of(shape, self._side, self._model, self._system_prompt, turns)
        try:
            if limit_seconds <= 0:
                raise TooSlow
            return await self._asks.post(
                self._address.url,
                org_id=self._org_id,
                headers=self._headers,
                body=json.dumps(body).encode(),
                limit_seconds=limit_seconds,
            )
        except Unanswered as why:
            raise sentences.unanswered(self._side, why, self._limit_seconds) from None

    def _reply(self, completion: Completion, took_seconds: float) -> Reply:
        try:
            said = read_message(completion.message, self._side)
        except NoMessage:
            raise sentences.sentence(self._side, "gave an answer that could not be read") from None
        if not said.text and said.ending == "none" and (why := sentences.silent(self._side, completion.finish)):
            raise why
        text = said.text[:MAX_TURN_CHARS]
        return Reply(text, said.ending, said.tools, round(took_seconds * 1_000), waited=True)
