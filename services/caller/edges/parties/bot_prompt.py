"""What the test bot's mind is told of its part: of a bot that is called it is not said that it calls."""

from shared.events.fields import Direction

_SITUATION: dict[Direction, str] = {
    "outbound": "You are a test caller on the phone with a company's voice agent.",
    "inbound": "You are on the phone in a test: a company's voice agent has called you, and you have answered.",
}
_PART = """ Play the role below and never leave it.
Speak as people do on the phone: one or two short sentences at a time, no lists, no stage directions.
Use only facts from the role; if asked for something that is not in it, say that you do not know.
When you have what you wanted, or see that you will not get it, say goodbye and call the tool end_call
(or end your text with [END_CALL]).

The role:
"""


def bot_prompt(direction: Direction, scenario: str) -> str:
    """Return the system prompt of the bot's mind. Direction: outbound, the bot places the call; inbound, it answers."""
    return _SITUATION[direction] + _PART + scenario
