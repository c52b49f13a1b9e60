"""The offline bot against an agent that asks: it answers from its prompt, and says so when it does not know."""

import re

import pytest

from services.caller.domain.turn import Turn
from services.caller.edges.parties.offline.bot import OfflineBot
from services.caller.rehearse import rehearse
from tests.unit.caller.builders import said

TOM = (
    "You are Tom Baker. You bought a kettle last week for $40, order number 7781. It leaks. You want a refund. "
    "If asked about the packaging, say you threw it away. If asked for your email, say tom@example.com."
)


async def answers(prompt: str, *questions: str) -> list[str]:
    """Greet the bot, hear what it wants, ask questions; return its answers to them."""
    bot, turns, answered = OfflineBot(prompt), list[Turn](), []
    for line in ("Hello, how can I help you?", *questions):
        turns.append(Turn("assistant", "text/plain", line, 0, 0))
        reply = await bot.take_turn(turns)
        turns.append(Turn("user", "text/plain", reply.text, 0, 0))
        answered.append(reply.text)
    return answered[1:]


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Could you give me your order number, please?", "7781"),
        ("Do you have your order number?", "7781"),
        ("May I have your name, please?", "Tom Baker"),
        ("Who am I speaking to?", "Tom Baker"),
        ("Which product did you buy?", "kettle"),
        ("When did you buy it?", "last week"),
        ("How much did you pay?", "$40"),
        ("What is wrong with it?", "leaks"),
        ("Do you still have the packaging?", "threw it away"),
        ("Have you kept the packaging, please?", "threw it away"),
        ("Is the packaging, by any chance, still there?", "threw it away"),
        ("And your email?", "tom@example.com"),
        ("Could you tell me your e-mail address, please?", "tom@example.com"),
    ],
)
async def test_a_question_is_answered_from_the_prompt(question: str, fact: str) -> None:
    (answer,) = await answers(TOM, question)
    assert fact in answer


@pytest.mark.parametrize(
    ("trigger", "question"),
    [
        ("for the order number", "Could you give me your order number, please?"),
        ("for your order number", "What is your order number?"),
        ("why", "May I ask why?"),
        ("who is calling", "Who is calling, please?"),
        ("for your date of birth", "What's your date of birth?"),
        ("about your account", "Do you have an account with us?"),
    ],
)
async def test_what_to_say_if_asked_is_said_when_it_is_asked(trigger: str, question: str) -> None:
    assert await answers(f"Ask for a refund. If asked {trigger}, say it is Z-9 blue.", question) == ["It is Z-9 blue."]


async def test_an_answer_is_given_again_when_the_question_comes_again() -> None:
    first, second = await answers(TOM, "Do you still have the packaging?", "Sorry, do you still have the packaging?")
    assert "threw it away" in first
    assert "threw it away" in second


@pytest.mark.parametrize(
    ("question", "honest"),
    [
        ("Could you give me your order number, please?", "don't have"),
        ("What's your phone number?", "rather not"),
        ("What is your e-mail address?", "rather not"),
        ("How much did you pay?", "don't know"),
    ],
)
async def test_what_the_prompt_does_not_say_is_not_made_up(question: str, honest: str) -> None:
    (answer,) = await answers("Complain about a delayed shipment.", question)
    assert honest in answer


@pytest.mark.parametrize(
    "question",
    [
        "Is it still under warranty?",
        "Did you open the box?",
        "Have you been with us for long?",
        "Are you over eighteen?",
    ],
)
async def test_a_yes_would_be_made_up_as_well(question: str) -> None:
    (answer,) = await answers(TOM, question)
    assert not answer.startswith("Yes")


@pytest.mark.parametrize(
    "question",
    ["Sure! What day are you interested in?", "I can help you. What is it about?", "Which shop are you near?"],
)
async def test_nobody_says_yes_to_a_question_for_a_what_or_which(question: str) -> None:
    (answer,) = await answers("Ask for the opening hours.", question)
    assert not answer.startswith("Yes")


async def test_a_reason_that_was_not_given_is_not_made_up() -> None:
    prompt = "You want a refund for order 99812 because you changed your mind about a blender."
    lines = said(await rehearse(prompt), "user") + await answers(prompt, "I'm sorry, we can't refund that.")
    assert not re.search(r"faulty|broken|not right|doesn't work", " ".join(lines))


@pytest.mark.parametrize(
    ("prompt", "served"),
    [
        (TOM, "Your refund has been issued."),
        ("Ask for the opening hours.", "We're open from 9 am to 5 pm."),
        ("Ask for the opening hours.", "We're open from 9 to 5."),
        ("Ask for the opening hours on Sunday.", "On Sundays we are closed."),
        ("Complain about a delayed shipment.", "It should arrive tomorrow."),
        ("Ask about the refund policy.", "You have 14 days to return it."),
        ("Ask who painted the Mona Lisa.", "Leonardo da Vinci painted it around 1503."),
    ],
)
async def test_the_bot_notices_that_it_got_what_it_wanted(prompt: str, served: str) -> None:
    (answer,) = await answers(prompt, served)
    assert "oodbye" in answer


async def test_a_bot_that_is_refused_insists_and_then_gives_up_politely() -> None:
    refusals = ["I'm sorry, we can't refund that.", "I'm afraid not.", "That is not possible.", "No, we cannot."]
    said = await answers(TOM, *refusals)
    assert "refund" in said[0] or "money back" in said[0]
    assert any("oodbye" in line for line in said)


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("Ask the agent to tell you a joke.", "tell me a joke"),
        ("You want to cancel your subscription.", "I'd like to cancel my subscription"),
        ("Ask whether they have gift cards.", "whether they have gift cards"),
        ("Ask about the weather in Paris.", "a question about the weather in Paris"),
    ],
)
async def test_what_the_prompt_tells_the_bot_is_said_in_the_first_person(prompt: str, line: str) -> None:
    first = next(one for one in said(await rehearse(prompt), "user"))
    assert line in first


@pytest.mark.parametrize(
    ("told", "question", "number"),
    [
        ("Your phone number is (555) 010-0134.", "What's your phone number?", "(555) 010-0134"),
        ("Your phone is +1 (555) 010.0134.", "What's your phone number?", "+1 (555) 010.0134"),
        ("They can call you back at 555/010-0134.", "What's your phone number?", "555/010-0134"),
        ("Your order number is ORD-2024/553.", "What is your order number?", "ORD-2024/553"),
        ("Your booking number is 48 213 007.", "Do you have a reference?", "48 213 007"),
        ("You paid $1,299.00 for it.", "How much did you pay?", "$1,299.00"),
        ("You paid 1.299,00 € for it.", "How much did you pay?", "1.299,00 €"),
        ("If asked for the pin, say 0-0 7.", "And the pin?", "0-0 7."),
    ],
)
async def test_a_number_is_said_as_the_prompt_writes_it(told: str, question: str, number: str) -> None:
    (answer,) = await answers(f"You want a refund for a lamp. {told}", question)
    assert number in answer


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("You want a refund for a lamp. Your order number is 1234.", "I'd like a refund for a lamp, please."),
        (
            "Ask for a refund for your old toaster because it is loud.",
            "It is loud. I'd like a refund for my old toaster, please.",
        ),
        ("You want to be refunded for two tickets.", "I'd like a refund for two tickets, please."),
        ("You want a refund for it.", "I'd like a refund for something that I bought, please."),
        ("You want a refund for order 12345.", "I'd like a refund for something that I bought, please."),
    ],
)
async def test_what_is_to_be_refunded_is_said(prompt: str, line: str) -> None:
    assert line in next(one for one in said(await rehearse(prompt), "user"))


async def test_a_slogan_is_no_farewell() -> None:
    (answer,) = await answers(TOM, "Here at CleanCo you say goodbye to dirty carpets. May I have your order number?")
    assert "7781" in answer
    (answer,) = await answers(TOM, "Say goodbye to high prices with our card.")
    assert answer != "Goodbye."
