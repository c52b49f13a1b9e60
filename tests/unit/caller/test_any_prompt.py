"""Any text may be a prompt: the bot never fails over it, and reading it never holds up the process's other calls."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.caller.edges.parties.offline.scenario import read_scenario
from services.caller.edges.parties.offline.wording import resembles
from services.caller.rehearse import rehearse

PROMPT_CHARS = 10_000
LINE_CHARS = 4_000
READ_SECONDS = 0.2
TRIES = 3

VOCABULARY = """
    You are Ask ask about for if asked If say that order number is 12345 #A-1 name bought a who what ? . , ; : ' " want
    to refund hours open Sunday late human you your yourself @ $ 10 dollars last week ago not arrived
"""
PROMPTS = st.text(max_size=300) | st.lists(st.sampled_from(VOCABULARY.split()) | st.just("\n"), max_size=60).map(
    " ".join
)


@settings(max_examples=300, deadline=None)
@given(prompt=PROMPTS, inbound=st.booleans())
@example(prompt="If asked , say ", inbound=False)
@example(prompt="\x00\u2028\u202e\ufeff", inbound=True)
@example(prompt="İ" * 100 + "ß" * 100, inbound=False)
async def test_whatever_the_prompt_the_call_ends_in_order(prompt: str, inbound: bool) -> None:
    held = await rehearse(prompt, inbound=inbound)
    assert held.end_reason in ("caller_hangup", "agent_end", "transfer", "timeout")
    assert any(turn.role == "user" for turn in held.turns)


BOMBS = {
    "spaces": " ",
    "wide spaces": "\u3000",
    "newlines": "\n",
    "letters": "a",
    "underscores": "_",
    "digits": "1",
    "decimals": "1.",
    "dotted letters": "a.",
    "addresses": "a@",
    "apostrophes": "'",
    "quotes": '"',
    "currency": "$",
    "order and spaces": "order" + " " * PROMPT_CHARS,
    "order number and spaces": "order number is" + " " * PROMPT_CHARS,
    "orders": "order ",
    "if asked": "if asked ",
    "if asked about": "if asked about x ",
    "if asked, say": "if asked a, say b. ",
    "ask": "ask ",
    "ask who": "ask who ",
    "who": "who ",
    "bought": "bought a ",
    "who bought": "who bought a ",
    "names": "named Aa ",
    "not yet": "not yet been ",
    "want to": "want to ",
    "phone": "phone ",
    "you": "you ",
}


def seconds_of(work: Callable[[], object]) -> float:
    """The processor time that it takes: the best of a few, since the machine has others to serve."""
    best = float("inf")
    for _ in range(TRIES):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
        if best < READ_SECONDS:
            break
    return best


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_no_prompt_takes_long_to_read(bomb: str) -> None:
    prompt = (bomb * PROMPT_CHARS)[:PROMPT_CHARS]
    assert seconds_of(lambda: read_scenario(prompt)) < READ_SECONDS


def test_no_line_takes_long_to_compare() -> None:
    trigger = "".join(chr(97 + (nth * nth + nth // 7) % 26) for nth in range(LINE_CHARS))
    line = "".join(chr(97 + (nth * 11 + nth // 3) % 26) for nth in range(LINE_CHARS))
    assert seconds_of(lambda: resembles(line, trigger)) < READ_SECONDS


async def test_a_prompt_of_the_longest_length_ends_like_any_other() -> None:
    prompt = ("You want a refund. Your order number is 48213. If asked about the box, say you lost it. " * 200)[
        :PROMPT_CHARS
    ]
    held = await rehearse(prompt)
    assert held.end_reason == "caller_hangup"
