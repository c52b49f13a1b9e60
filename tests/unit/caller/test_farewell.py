"""What takes leave, and what only has the word in it."""

import pytest

from services.caller.domain.farewell import is_farewell


@pytest.mark.parametrize(
    "line",
    [
        "Goodbye.",
        "Good bye!",
        "bye",
        "Bye-bye!",
        "Thank you for calling Northwind Goods. Goodbye.",
        "Goodbye, and thank you for calling.",
        "Goodbye. Thank you for calling.",
        "Thank you, goodbye!",
        "Great, thanks. Bye now.",
        "Okay, goodbye then.",
        "Goodbye, Tom!",
        "Goodbye Mr. Baker.",
        "Have a nice day!",
        "You're welcome. Have a wonderful rest of your day. Take care!",
        "thank you for calling goodbye",
        "All right, I'll count on that. Goodbye.",
        "That's disappointing. Goodbye.",
        "Auf Wiederhören!",
    ],
)
def test_a_line_that_takes_leave_is_a_farewell(line: str) -> None:
    assert is_farewell(line)


@pytest.mark.parametrize(
    "line",
    [
        "Say goodbye to dirty carpets with CleanCo!",
        "Welcome to CleanCo. Say goodbye to high prices. I'm Ann.",
        "Goodbye to high prices, hello to savings.",
        "You've reached Goodbye Pests, where bugs check out.",
        "Thank you for calling Bye Bye Bugs. My name is Ann.",
        "Goodbye high prices: that is our promise.",
        "It is hard to say goodbye",
        "Before we say goodbye, may I have your order number",
        "Goodbye? But you haven't told me your order number.",
        "Goodbye! Or is there anything else?",
        "I can buy it by the day.",
        "",
        "   ",
        "!!! ... ???",
    ],
)
def test_a_line_with_the_word_in_it_is_none(line: str) -> None:
    assert not is_farewell(line)


def test_no_line_takes_long_to_read() -> None:
    for bomb in ("and ", "bye ", "have a a ", "goodbye and ", ", ", "thanks "):
        is_farewell(bomb * 4_000)
