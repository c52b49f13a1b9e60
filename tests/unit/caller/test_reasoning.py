"""A model's thinking is taken out of what it says, however it is marked."""

import time

import pytest

from services.caller.edges.parties.chat.reasoning import without_reasoning, without_special_tokens


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello.", "Hello."),
        ("<think>Who is it?</think>Hello.", "Hello."),
        ("<think>\n\n</think>\n\nHello.", "Hello."),
        ("<THINK>Who?</Think > Hello.", "Hello."),
        ("<thinking>Who?</thinking>Hello.", "Hello."),
        ('<think time="3">Who?</think>Hello.', "Hello."),
        ("<seed:think>Who?</seed:think>Hello.", "Hello."),
        ("<reasoning>Who?</reasoning>Hello.", "Hello."),
        ("[THINK]Who?[/THINK]Hello.", "Hello."),
        ("◁think▷Who?◁/think▷Hello.", "Hello."),
        ("<|begin_of_thought|>Who?<|end_of_thought|>Hello.", "Hello."),
        ("Hello. <think>Was that polite?</think>", "Hello."),
        ("Hello. <think>Was that polite?", "Hello."),
        ("Hello. <think>Hm.</think> How are you?", "Hello.  How are you?"),
        ("<think>Who?", ""),
        ("<think>a <think>b</think> c</think>Hello.", "Hello."),
        ("<think>a <think>b</think> c", ""),
        ("<think>a</think><think>b</think>Hello.", "Hello."),
        ("Who is it? Say hello.</think>Hello.", "Hello."),
        ("Who?</think>", ""),
        ("<think/>Hello.", "Hello."),
        ("Hello. <think/> There.", "Hello.  There."),
        ("<think>Hm.</think><answer>Hello.</answer>", "Hello."),
        ("<|channel|>analysis<|message|>Who?<|end|><|start|>assistant<|channel|>final<|message|>Hello.", "Hello."),
        ("<|channel|>analysis<|message|>Who is it", ""),
        ("I think that is right.", "I think that is right."),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
    ],
)
def test_thinking_is_not_spoken(text: str, spoken: str) -> None:
    assert without_reasoning(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [("Hello.<|im_end|>", "Hello."), ("<s>Hello.</s>", "Hello."), ("Hello.<end_of_turn>\n", "Hello.")],
)
def test_what_a_template_left_in_a_text_is_not_spoken(text: str, spoken: str) -> None:
    assert without_special_tokens(text) == spoken


@pytest.mark.parametrize("piece", ["<think>", "</think>", "< ", "<think ", "<|channel|>", "<think>a</think>"])
def test_an_answer_as_long_as_any_is_read_at_once(piece: str) -> None:
    began = time.thread_time()  # of CPU: what others do on this machine does not count
    without_reasoning(piece * (1024 * 1024 // len(piece)))
    assert time.thread_time() - began < 2, "0.4 s on a quiet machine"
