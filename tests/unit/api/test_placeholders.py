"""Which texts are placeholders, and which only look like them."""

import time

import pytest

from services.api.domain.placeholders import MAX_NAMED, MAX_NAMED_CHARS, unfilled_placeholders


@pytest.mark.parametrize(
    "placeholder",
    [
        "{{name}}", "{{ name }}", "{{customer.order_number}}", "{{ name | upper }}", "{{#if angry}}", "{{{name}}}",
        "{% if angry %}", "<%= name %>", "<<name>>", "[[Customer Name]]", "${name}", "#{name}", "{name}",
        "{customer name}", "{order-number}", "%(name)s", "%name%", "%FIRST_NAME%",
    ],
)  # fmt: skip
def test_a_placeholder_is_found_and_named(placeholder: str) -> None:
    (found,) = unfilled_placeholders(f"You are {placeholder}. You want a refund.")
    assert found in placeholder
    assert found.strip("{}") == placeholder.strip("{}")


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        'You are given {"name": "Maria", "order": {"number": 48213}}.',
        '{"role": "customer", "facts": {"a": {}}}',
        "{}",
        "{{}}",
        "You want 50% off, or 20%. They promised 10%off%.",
        "You pay 100% now and 50% later",
        "[angry] You want a refund <now>.",
        "x << y >> z",
        "Your IBAN ends in #1 {1}",
    ],
)
def test_what_only_looks_like_one_is_left_alone(prompt: str) -> None:
    assert unfilled_placeholders(prompt) == []


def test_each_is_named_once_and_only_so_many() -> None:
    assert unfilled_placeholders("{{a}} {{b}} {{a}}") == ["{{a}}", "{{b}}"]
    many = unfilled_placeholders(" ".join(f"{{{{field_{nth}{'x' * 90}}}}}" for nth in range(20)))
    assert len(many) == MAX_NAMED
    assert all(len(one) == MAX_NAMED_CHARS for one in many)


@pytest.mark.parametrize("bomb", ["{{", "{{ a", "{% ", "<<a", "${", "{a ", "%a", "[[a "])
def test_no_prompt_takes_long_to_search(bomb: str) -> None:
    began = time.thread_time()
    unfilled_placeholders((bomb * 10_000)[:10_000])
    assert time.thread_time() - began < 0.2
