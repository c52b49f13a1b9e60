"""The five scenarios of the product's owner, in many words: the bot says what it wants, gets it, and says goodbye."""

import re
from dataclasses import dataclass

import pytest

from deploy.demo.__main__ import SCENARIOS
from services.caller.domain.conversation import Conversation
from services.caller.rehearse import rehearse
from tests.unit.caller.builders import said

LONGEST_MS = 55_000


@dataclass(frozen=True)
class Wants:
    """What a caller of this kind says first, and what shows that they were served."""

    asks: str
    gets: str
    prompts: tuple[str, ...]


REFUND = Wants(
    asks=r"I'd like a refund|money back",
    gets=r"issue_refund",
    prompts=(
        SCENARIOS[0],
        "You want a refund for order 12345.",
        "You are a customer calling to get your money back for a broken toaster. Order number is B-9921.",
        "Ask for a refund. Your order number is 55512. Your name is Tom Baker.",
    ),
)
POLICY = Wants(
    asks=r"refund policy",
    gets=r"within 30 days",
    prompts=("Ask about refunds", "Ask about the refund policy.", "You have a question about refunds."),
)
HOURS = Wants(
    asks=r"opening hours",
    gets=r"closed|open",
    prompts=(
        SCENARIOS[1],
        "Ask for opening hours",
        "Find out when the store opens on Saturday.",
        "You want to know whether the shop is open on Monday.",
        "What are your opening hours?",
        "You'd like to know when the shop closes today.",
    ),
)
DELIVERY = Wants(
    asks=r"late|delay|waiting|arrived",
    gets=r"should arrive",
    prompts=(
        SCENARIOS[2],
        "You're calling because your package is late. The order number is 778899. Be polite.",
        "Complain that your shipment is delayed. If asked for the order number, say it is X-4410.",
        "Complain that your package, order #55501, never arrived.",
    ),
)
DELIVERY_WITHOUT_NUMBER = Wants(
    asks=r"late|delay|waiting",
    gets=r"order number",
    prompts=(
        "Complain about a delayed shipment",
        "You are frustrated: your parcel was to arrive last week. Complain about the delay.",
    ),
)
HUMAN = Wants(
    asks=r"human",
    gets=r"transferring you",
    prompts=(
        SCENARIOS[3],
        "Ask to speak to a human",
        "You want to talk to a real person. Do not accept anything else.",
        "Insist on being transferred to a human representative.",
        "Demand to talk to a supervisor.",
    ),
)
TRIVIA = Wants(
    asks=r"(who|what|which|when|where|why|how)\b[^?]*\?",
    gets=r"only help with",
    prompts=(
        SCENARIOS[4],
        "Ask an unrelated trivia question",
        "Ask the agent a trivia question unrelated to the business.",
        "Ask the agent what the capital of Australia is.",
        "Ask an off-topic question such as 'What is the tallest mountain in the world?'",
    ),
)
ALL = {
    "refund": REFUND,
    "policy": POLICY,
    "hours": HOURS,
    "delivery": DELIVERY,
    "delivery without a number": DELIVERY_WITHOUT_NUMBER,
    "human": HUMAN,
    "trivia": TRIVIA,
}
CASES = [
    pytest.param(wants, prompt, id=f"{name}: {prompt[:50]}") for name, wants in ALL.items() for prompt in wants.prompts
]
pytestmark = [pytest.mark.parametrize(("wants", "prompt"), CASES), pytest.mark.parametrize("inbound", [False, True])]


def first_proper_line(held: Conversation) -> str:
    """Whoever answers a phone says hello before anything else."""
    return next(line for line in said(held, "user") if line != "Hello?")


async def test_the_call_ends_by_itself_in_good_time(wants: Wants, prompt: str, inbound: bool) -> None:
    held = await rehearse(prompt, inbound=inbound)
    assert held.end_reason in ("caller_hangup", "agent_end", "transfer")
    assert held.duration_ms <= LONGEST_MS


async def test_the_bot_says_first_what_it_wants(wants: Wants, prompt: str, inbound: bool) -> None:
    line = first_proper_line(await rehearse(prompt, inbound=inbound))
    assert re.search(wants.asks, line, re.IGNORECASE), line


async def test_the_agent_serves_it_and_somebody_says_goodbye(wants: Wants, prompt: str, inbound: bool) -> None:
    held = await rehearse(prompt, inbound=inbound)
    answered = said(held, "assistant") + said(held, "tool_call")
    assert any(re.search(wants.gets, line) for line in answered), answered
    assert held.end_reason == "transfer" or "oodbye" in held.turns[-1].content


async def test_the_bot_says_it_as_a_caller_would(wants: Wants, prompt: str, inbound: bool) -> None:
    held = await rehearse(prompt, inbound=inbound)
    lines = said(held, "user")
    for line in lines:
        assert not re.search(r"\b(complain|ask) (that|about|for|the)\b", line, re.IGNORECASE), (
            f"a stage direction: {line}"
        )
        assert not re.search(r"\b(tell|ask|give) I\b|\bon today\b|\byour?self\b", line, re.IGNORECASE), (
            f"no English: {line}"
        )
    assert len(lines) == len(set(lines)), "nobody says the same thing twice"


async def test_no_number_and_no_name_is_said_that_the_prompt_does_not_have(
    wants: Wants, prompt: str, inbound: bool
) -> None:
    for line in said(await rehearse(prompt, inbound=inbound), "user"):
        for number in re.findall(r"[A-Z-]*\d[\w-]*", line):
            assert number in prompt
        for name in re.findall(r"(?:this is|name is) ([\w ]+)", line):
            assert name in prompt


async def test_the_same_prompt_gives_the_same_call(wants: Wants, prompt: str, inbound: bool) -> None:
    assert await rehearse(prompt, inbound=inbound) == await rehearse(prompt, inbound=inbound)
