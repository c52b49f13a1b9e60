"""Prompts written as JSON or Markdown are played like plain ones, and their marks are never said."""

import re

import pytest

from services.caller.edges.parties.offline.plain import plain_text
from services.caller.edges.parties.offline.scenario import read_scenario
from services.caller.rehearse import rehearse
from tests.unit.caller.builders import said

JSON = """{"role": "angry customer", "name": "Maria Lopez", "goal": "get a refund for a lamp",
 "facts": {"order_number": 48213, "e-mail": "maria@example.com"}, "if_asked": {"the color": "it is green"}}"""
MARKDOWN = """# Role
**You are Maria Lopez**, an *angry* customer.

## Goal
- Ask for a __refund__ for a `lamp`.
1. Order number: **48213**
> If asked about [the color](https://example.com/a_b), say *it is green*.

---

| E-mail | maria@example.com |
|:-------|------------------:|
"""
MARKS = re.compile(r"[*#`|{}\[\]<>_\"]|\\n|://")


@pytest.mark.parametrize("prompt", [JSON, f"```json\n{JSON}\n```", MARKDOWN], ids=["json", "fenced json", "markdown"])
def test_a_marked_prompt_is_read_like_a_plain_one(prompt: str) -> None:
    scenario = read_scenario(prompt)
    assert scenario.goal == "refund"
    assert scenario.angry
    assert scenario.facts["name"] == "Maria Lopez"
    assert scenario.facts["order"] == "48213"
    assert scenario.facts["email"] == "maria@example.com"
    assert scenario.facts["item"] == "a lamp"
    assert scenario.if_asked == (("the color", "It is green."),)


@pytest.mark.parametrize(
    "prompt",
    [
        JSON,
        MARKDOWN,
        '[{"step": "Ask whether they have gift cards"}, {"step": "Thank them"}]',
        '{"messages": [{"role": "system", "content": "**You bought a kettle.** It is `broken`."}]}',
        "* You want to *cancel* your **gold** subscription.",
        "### Task\nComplain about a ~~late~~ delayed shipment\n\n- [ ] order number: `7781`",
        '{"goal": "Ask for the opening hours", "open": true, "nothing": null, "n": 1.5, "deep": [[[[[[["x"]]]]]]]}',
    ],
)
async def test_no_mark_is_ever_said(prompt: str) -> None:
    lines = said(await rehearse(prompt), "user")
    assert lines
    for line in lines:
        assert not MARKS.search(line), line


@pytest.mark.parametrize(
    "prompt",
    [
        "You are Tom. You want a refund.",
        "It costs 3 * 4 = 12 euros, or 5*6.",
        "Your e-mail is a_b_c@example.com, order A-1.",
        "Ask: do you have snake_case_names?",
        "{not json at all",
        "",
    ],
)
def test_what_has_no_marks_stays_as_it_is(prompt: str) -> None:
    assert plain_text(prompt) == prompt
