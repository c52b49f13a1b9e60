"""The offline test bot: rules over a parsed prompt that choose what to say to each line of the agent.

Deterministic: the same prompt and the same agent give the same call. It is a rule-based tester, not a mind.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from services.caller.domain.farewell import is_farewell
from services.caller.domain.turn import Reply, Turn
from services.caller.edges.parties.offline.scenario import Scenario, read_scenario
from services.caller.edges.parties.offline.wording import is_question, mentions, resembles

THINK_MS = 450
MAX_BOT_LINES = 12
MAX_REPEATS = 2
MAX_FACTS_AT_ONCE = 2
PATIENCE = {"human": 2, "refund": 2, "delivery": 2}

_GOT = {
    "refund": (
        r"refund (has been|is|was) (issued|approved|processed|on its way)",
        "will be refunded",
        "issued (a|the|your) (full )?refund",
    ),
    "hours": (
        r"\d{1,2}(:\d\d)? ?(am|pm|a\.m\.|p\.m\.)",
        "closed",
        r"\d{1,2}:\d\d",
        "o'clock",
        r"\d{1,2} (to|until|till) \d{1,2}",
        "24 hours",
        "around the clock",
    ),
    "delivery": (
        r"(will|should|is going to) (arrive|be delivered|be with you|reach you)",
        r"expected (on|by|within)",
        "delivered (by|on|within)",
    ),
    "policy": (r"\d+[ -]days?", "full refund", "no refunds"),
    "human": ("transfer(ring)? you", "put(ting)? you through", "connect(ing)? you"),
}
_REFUSALS = (
    "can't",
    "cannot",
    "can not",
    "unable",
    "not able",
    "afraid",
    "not possible",
    "don't have",
    "outside of",
    "only help",
)
_NUMBERED = ("order number", "order id", "reference", "tracking number", "number of your order")


class OfflineBot:
    """Plays the scenario's caller."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._stated = False
        self._pushed = 0
        self._lines = 0
        self._satisfied = False
        self._said: Counter[str] = Counter()

    @cached_property
    def _scenario(self) -> Scenario:
        """The prompt, read when it is needed: an agent may hang up before the bot says a word."""
        return read_scenario(self._prompt)

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Answer the agent's last line."""
        self._lines += 1
        last = next((turn.content for turn in reversed(turns) if turn.role == "assistant"), "")
        if not last:
            return Reply("Hello?", think_ms=THINK_MS)
        text, done = self._answer(last)
        return Reply(text, "hang_up" if done else "none", think_ms=THINK_MS)

    def _answer(self, line: str) -> tuple[str, bool]:
        scenario = self._scenario
        if is_farewell(line):
            return "Goodbye.", True
        if self._lines >= MAX_BOT_LINES:
            return "I have to go now. Thank you. Goodbye.", True
        for trigger, said in scenario.if_asked:
            if self._stated and self._said[said] < MAX_REPEATS and resembles(line, trigger):
                self._said[said] += 1
                return said, False
        if not self._stated:
            self._stated = True
            return self._opening(), False
        if self._got(line):
            self._satisfied = True
            if (
                mentions(line, "shall I", "would you like me to", "should I", "do you want me to")
                and scenario.goal == "refund"
            ):
                return "Yes, please go ahead.", False
            return self._thanks(), True
        if (fact := self._asked_for(line)) is not None:
            return fact, False
        if mentions(line, "anything else"):
            if self._satisfied or scenario.goal in ("none", "question") or self._pushed >= self._patience():
                return "No, that's all. Thank you. Goodbye.", True
            return self._push_back(), False
        if mentions(line, *_REFUSALS):
            if self._pushed >= self._patience():
                return self._resign(), True
            return self._push_back(), False
        if mentions(
            line,
            "shall I",
            "would you like",
            "should I",
            "do you want",
            "is that (okay|ok|all right|correct|right)",
            "can I",
        ):
            return "Yes, please.", False
        if mentions(line, "how (can|may) (I|we) help", "what can (I|we) do", "what (would|do) you"):
            return self._opening(), False
        if scenario.goal in ("question", "none", "wish") and not is_question(line):
            self._satisfied = True
            return self._thanks(), True
        if is_question(line):
            return self._unknown(), False
        if self._pushed >= self._patience():
            return self._resign(), True
        return self._push_back(), False

    def _opening(self) -> str:
        scenario = self._scenario
        facts = scenario.facts
        hello = f"Hi, this is {facts['name']}. " if "name" in facts else "Hi. "
        item = facts.get("item", "")
        told = " ".join(scenario.told)
        if item and "refund for" not in facts and item.lower() not in told.lower():
            bought = f"I ordered {item}{' ' + facts['when'] if 'when' in facts else ''}."
        else:
            bought = ""
        match scenario.goal:
            case "refund":
                thing = facts.get("refund for", "" if told or bought else "something that I bought")
                named = f" for {thing}" if thing and thing.lower() not in told.lower() else ""
                return f"{hello}{told or bought}{' ' if told or bought else ''}I'd like a refund{named}, please."
            case "policy":
                return f"{hello}I have a question about your refund policy. How long do I have to return something?"
            case "hours":
                day = (
                    f" on {scenario.day}"
                    if scenario.day.lower().endswith("day") and scenario.day != "Today"
                    else (f" {scenario.day.lower()}" if scenario.day else "")
                )
                return f"{hello}What are your opening hours{day}, please?"
            case "delivery":
                tone = "I'm really not happy. " if scenario.angry else ""
                late = told or bought or "I'm still waiting for my order."
                named = "" if mentions(late, "late", "delay(ed)?", "arrived", "waiting") else "My delivery is late. "
                return f"{hello}{tone}{late} {named}Where is it?"
            case "human":
                return f"{hello}I'd like to speak to a human, please."
            case "question":
                return f"{hello}{scenario.question}"
            case "wish":
                return f"{hello}{scenario.wish}"
        return f"{hello}I wanted to ask what you can help me with."

    def _got(self, line: str) -> bool:
        return mentions(line, *_GOT.get(self._scenario.goal, ("(?!)",))) and not mentions(
            line, "can't", "cannot", "unable"
        )

    def _asked_for(self, line: str) -> str | None:
        """Answer a request for a fact: from the prompt, or honestly that it is not known."""
        if not is_question(line) and not mentions(line, "please (give|tell|provide|share)", "I need", "I'll need"):
            return None
        facts = self._scenario.facts
        wanted = (
            ("order", _NUMBERED, "It's {}.", "I don't have the order number with me."),
            ("email", ("e-?mail",), "My e-mail address is {}.", "I'd rather not give my e-mail address."),
            (
                "phone",
                ("phone number", "call you back"),
                "You can reach me at {}.",
                "I'd rather not give my phone number.",
            ),
            (
                "name",
                ("your (full |last )?name", "name on", "who am I speaking"),
                "My name is {}.",
                "I'd rather not say my name.",
            ),
            (
                "item",
                ("which (item|product)", "what (item|product|did you (buy|order))"),
                "It was {}.",
                "I don't remember exactly.",
            ),
            ("when", ("when did", "date of"), "It was {}.", "I don't remember exactly when."),
            ("amount", ("how much", "what amount"), "It was {}.", "I don't know the exact amount."),
        )
        asked = [row for row in wanted if mentions(line, *row[1])]
        known_ones = [known.format(facts[key]) for key, _, known, _ in asked if key in facts]
        if asked:
            return " ".join(known_ones[:MAX_FACTS_AT_ONCE]) or asked[0][3]
        if mentions(
            line, "what (is|was|seems to be) (wrong|the (problem|matter|issue|reason))", "what happened", "reason"
        ):
            return " ".join(self._scenario.told) or "I'd rather not go into that."
        return None

    def _push_back(self) -> str:
        self._pushed += 1
        first = self._pushed == 1
        match self._scenario.goal:
            case "refund":
                return (
                    "I understand, but I'd really like my money back."
                    if first
                    else "That is not good enough. I'd like a refund."
                )
            case "delivery":
                return "I've waited long enough. When will it arrive?" if first else "Please find out where it is."
            case "human":
                return "No, I'd really like to speak to a human." if first else "Please just connect me to a person."
            case "hours":
                return "I only need to know when you are open."
            case "question":
                return "I see. You really can't tell me?" if first else "All right."
        return "Could you help me with that at all?" if first else "Is there nothing you can do?"

    def _patience(self) -> int:
        return PATIENCE.get(self._scenario.goal, 1) + (1 if self._scenario.angry else 0)

    def _unknown(self) -> str:
        return "I'm not sure, sorry."

    def _thanks(self) -> str:
        match self._scenario.goal:
            case "human":
                return "Thank you, I'll wait."
            case "delivery" if self._scenario.angry:
                return "All right, I'll count on that. Goodbye."
        return "Great, thank you. That's all I needed. Goodbye."

    def _resign(self) -> str:
        return "That's disappointing. Goodbye." if self._scenario.angry else "All right. Thank you anyway. Goodbye."
