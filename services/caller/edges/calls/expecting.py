"""What may well be said in a call: what the scenario says, and what both offline minds would say to each other."""

import re

from services.caller.domain.conversation import ROLES
from services.caller.domain.turn import Party, Side, Turn
from services.caller.domain.voice import manners
from services.caller.edges.parties.offline.agent import OfflineAgent
from services.caller.edges.parties.offline.bot import OfflineBot

MAX_REHEARSED_LINES = 30
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


async def expected_lines(prompt: str, agent_name: str, *, bot_answers: bool) -> tuple[str, ...]:
    """Return them, the likeliest last. Speech recognition is biased to them, and understands much more with them."""
    scenario = [line for one in _SENTENCE.findall(prompt) if (line := one.strip())]
    return (*scenario, manners.HELLO, manners.SAY_AGAIN, *await _rehearsed(prompt, agent_name, bot_answers))


async def _rehearsed(prompt: str, agent_name: str, bot_answers: bool) -> list[str]:
    minds: list[tuple[Party, Side]] = [(OfflineAgent(agent_name), "agent"), (OfflineBot(prompt), "bot")]
    if bot_answers:
        minds.reverse()
    turns: list[Turn] = []
    for nth in range(MAX_REHEARSED_LINES):
        mind, side = minds[nth % 2]
        reply = await mind.take_turn(turns)
        if reply.text:
            turns.append(Turn(ROLES[side], "text/plain", reply.text, nth, nth))
        if reply.ending != "none":
            break
    return [turn.content for turn in turns]
