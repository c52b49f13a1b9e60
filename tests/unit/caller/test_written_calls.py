"""A hang-up that was written as text hangs up and leaves no markup; one that a sentence mentions does not."""

import time

import pytest

from services.caller.edges.parties.chat.messages import read_message
from services.caller.edges.parties.chat.written_calls import MAX_READ_CHARS

BYE = "Goodbye."
MOMENT_SECONDS = 0.25  # of CPU: 1 to 20 ms on a quiet machine


@pytest.mark.parametrize(
    "written",
    [
        "Goodbye. [END_CALL]",
        "Goodbye.\n[END_CALL]",
        "Goodbye.[END_CALL]",
        "Goodbye. [end_call]",
        "Goodbye. [END CALL]",
        "Goodbye. [END-CALL]",
        "Goodbye. [ END_CALL ]",
        "Goodbye. [END_CALL].",
        "Goodbye. [END_CALL] [END_CALL]",
        "[END_CALL] Goodbye.",
        "[END_CALL]\ngoodbye.",
        "Goodbye. **[END_CALL]**",
        "Goodbye. *[END_CALL]*",
        "Goodbye. __[END_CALL]__",
        "Goodbye. `[END_CALL]`",
        "Goodbye. ```[END_CALL]```",
        "Goodbye. (END_CALL)",
        "Goodbye. {END_CALL}",
        "Goodbye. {{END_CALL}}",
        "Goodbye. <END_CALL>",
        "Goodbye. <end_call/>",
        "Goodbye. <end_call />",
        "Goodbye. <end_call></end_call>",
        "Goodbye. <end_call>{}</end_call>",
        '<end_call reason="done">The caller is happy.</end_call> Goodbye.',
        "Goodbye. <|end_call|>",
        "Goodbye. END_CALL",
        "Goodbye.\n\nEND_CALL",
        "Goodbye. [hang_up]",
        "Goodbye. [end_call()]",
        "Goodbye. end_call()",
        "Goodbye. functions.end_call({})",
        'Goodbye. end_call(reason="done")',
        'Goodbye. {"name": "end_call", "arguments": {}}',
        'Goodbye.\n{"name": "end_call", "parameters": {}}',
        'Goodbye.\n[{"name": "end_call", "arguments": {}}]',
        'Goodbye. {"tool": "end_call"}',
        'Goodbye. {"action": "end_call"}',
        'Goodbye. {"function": {"name": "end_call", "arguments": "{}"}}',
        'Goodbye. {"tool_calls": [{"type": "function", "function": {"name": "end_call", "arguments": "{}"}}]}',
        'Goodbye. {"end_call": {}}',
        'Goodbye. {"end_call": true}',
        'Goodbye.\n```json\n{"name": "end_call", "arguments": {}}\n```',
        'Goodbye.\n```json{"name": "end_call", "arguments": {}}```',
        'Goodbye.\n```\n{"name": "end_call"}\n```',
        "Goodbye.\n```\nend_call()\n```",
        "Goodbye.\n```tool_code\nprint(default_api.end_call())\n```",
        'Goodbye. <tool_call>{"name": "end_call", "arguments": {}}</tool_call>',
        'Goodbye. <tool_call>\n{"name": "end_call", "arguments": {}}',
        "Goodbye. <tool_call>end_call</tool_call>",
        'Goodbye. <function_call>{"name": "end_call"}</function_call>',
        "Goodbye. <function=end_call>{}</function>",
        '<function_calls><invoke name="end_call"></invoke></function_calls> Goodbye.',
        'Goodbye. <invoke name="end_call"></invoke>',
        'Goodbye. [TOOL_CALLS][{"name": "end_call", "arguments": {}}]',
        "Goodbye. [TOOL_CALLS]end_call{}",
        'Goodbye. <|python_tag|>{"name": "end_call", "parameters": {}}',
        "Goodbye. <|tool_call_start|>[end_call()]<|tool_call_end|>",
        "Goodbye. <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>end_call\n```json\n{}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "Goodbye. [END_CALL]<|im_end|>",
        "<think>I write [END_CALL].</think>Goodbye. [END_CALL]",
        "Goodbye. [END_CALL] <think>Done.</think>",
    ],
)
def test_a_written_hang_up_hangs_up_and_leaves_no_markup(written: str) -> None:
    said = read_message({"content": written}, "agent")
    assert (said.text.lower(), said.ending) == (BYE.lower(), "hang_up")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Thanks, bye [END_CALL]", "Thanks, bye"),
        ("I'll end the call [END_CALL]", "I'll end the call"),
        ("Bye, bye! 👋 [END_CALL]", "Bye, bye! 👋"),
        ("Goodbye. [END_CALL] Have a nice day.", "Goodbye. Have a nice day."),
        ("**Goodbye** [END_CALL]", "**Goodbye**"),
        ("**Goodbye. [END_CALL]**", "Goodbye."),
        ('"Goodbye. [END_CALL]"', "Goodbye."),
        ("[END_CALL]", ""),
        ('"[END_CALL]"', ""),
        ("**[END_CALL]**", ""),
        ("end_call", ""),
        ("```end_call```", ""),
        ('{"name": "end_call", "arguments": {}}', ""),
        ('```json\n{"name": "end_call", "arguments": {}}\n```', ""),
        ("再见。[END_CALL]", "再见。"),
    ],
)
def test_what_is_said_beside_a_written_hang_up_stays(written: str, spoken: str) -> None:
    said = read_message({"content": written}, "agent")
    assert (said.text, said.ending) == (spoken, "hang_up")


@pytest.mark.parametrize(
    "written",
    [
        "Do not write END_CALL.",
        "I end the call by writing [END_CALL].",
        'My notes say "[END_CALL]" at that place.',
        "My notes say “[END_CALL]”.",
        "The marker [END_CALL] would end this.",
        "You can end your text with [END_CALL].",
        "Write [END_CALL] when you are done.",
        "[END_CALL] is what I would write.",
        "Some agents use <end_call/> for that.",
        'It sends {"name": "end_call", "arguments": {}} to hang up.',
        "We hang up (end call) after ten seconds of silence.",
        "Shall I end the call or transfer call charges?",
        '{"name": "Maria", "age": 7}',
        "```python\nprint(1)\n```",
        "Your order is in [Berlin].",
    ],
)
def test_a_hang_up_that_is_only_mentioned_is_spoken(written: str) -> None:
    said = read_message({"content": written}, "agent")
    assert (said.text, said.ending, said.tools) == (written, "none", ())


def test_a_written_transfer_is_the_agent_s_alone() -> None:
    assert read_message({"content": "One moment. [TRANSFER_CALL]"}, "agent").ending == "transfer"
    said = read_message({"content": "One moment. [TRANSFER_CALL]"}, "bot")
    assert (said.text, said.ending) == ("One moment.", "none")


def test_a_written_call_of_another_tool_is_noted_and_not_spoken() -> None:
    said = read_message(
        {"content": 'One moment. <tool_call>{"name": "look_up", "arguments": {"id": 7}}</tool_call>'}, "agent"
    )
    assert (said.text, said.ending) == ("One moment.", "none")
    assert [tool.call for tool in said.tools] == ['{"name": "look_up", "arguments": {"id": 7}}']


@pytest.mark.parametrize(
    "piece",
    [
        "<tool_call>",
        "[END_CALL] x ",
        "say [END_CALL] ",
        "[END_CALL]. ",
        "END_CALL, ",
        '{"name": "end_call"} x ',
        '{"name": "look_up", "arguments": {}}',
        "{",
        "[",
        "```",
        '{"a":',
        "<invoke name=a>",
        "*",
        "end call ",
    ],
)
def test_any_text_is_read_at_once(piece: str) -> None:
    """All calls of a process wait meanwhile."""
    began = time.thread_time()
    read_message({"content": piece * (MAX_READ_CHARS // len(piece) + 1)}, "agent")
    assert time.thread_time() - began < MOMENT_SECONDS
