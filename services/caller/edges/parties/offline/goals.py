"""What a caller wants: read from an instruction ("Ask for a refund") and said in the first person."""

import re
from dataclasses import dataclass

from services.caller.edges.parties.offline.topics import Topic, topic_of
from services.caller.edges.parties.offline.words import as_sentence, base_form, first_words, folded, in_first_person

MAX_GOAL_WORDS = 24
TRIVIA = "What is the capital of Australia?"


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that the caller wants, as a sentence to say. `wants_information`: an answer is enough, no deed."""

    line: str
    topic: Topic
    wants_information: bool


_LEAD = re.compile(
    r"^(?:(?:please|then|and|also|next|finally|first|just|now|politely|angrily|firmly|calmly|so|but|try to|scenario:|"
    r"goal:|task:|objective:|prompt:|you're|your (?:main |only )?(?:goal|task|aim|job|objective|purpose|mission) is(?: to)?|"
    r"the (?:goal|task|aim) is(?: to)?|(?:you|i|they|he|she|we|(?:the |a |an )?(?:\w+ )?(?:customer|caller|user|client|bot|"
    r"tester))(?: (?:should|must|will|have to|can|are|is|am|then|now|really|just|simply|only|'re))*|"
    r"(?:call|calls|calling|phone|phoning|ring)(?: (?:in|up|them|back|support|customer (?:service|support)|"
    r"the (?:shop|store|company|agent|line|support \w+|help ?desk|help ?line)))?(?: (?:and|to|because you|because))?"
    r"(?! about\b)),?\s+)+",
    re.IGNORECASE,
)
_CUT = re.compile(
    r"[,;]?\s+\b(?:until|unless|and (?:do not|don't|hang up|end|then hang|be |stay|keep|say (?:thank|good)|thank)|"
    r"even if|no matter|as long as|without (?:giving|accepting))\b.*$|\s*\((?:[^)]{0,80})\)",
    re.IGNORECASE,
)
_INFORMATION = re.compile(
    r"\b(?:hours?|times?|address|price|cost|status|name|policy|polic\w+|date|number|information|details|location|"
    r"availability|directions|options|terms|fees?)\b",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(r"^(?:who|what|when|where|why|which|how|whether|if)\b", re.IGNORECASE)
_ACTION = re.compile(
    r"^(?:return|cancel|change|reschedule|book|order|buy|track|report|update|speak (?:to|with)|talk (?:to|with)|make|"
    r"schedule|place|pay|get|receive|exchange|replace|reset|close|open|verify|dispute|renew|upgrade|downgrade|subscribe|"
    r"unsubscribe|unlock|activate|file|leave|reach|connect|check|discuss|negotiate|raise|escalate|add|remove|reserve|"
    r"arrange|switch|claim|recover|send|apply|register|sign up|find|move)\w*\b",
    re.IGNORECASE,
)
_UNRELATED = re.compile(r"\b(?:trivia|unrelated|random|off[- ]topic|general knowledge)\b", re.IGNORECASE)
_OTHERS = (
    (re.compile(r"\b(?:the )?(?:agent|shop|store|company|they)(?:'s)? (?:are|is)\b", re.IGNORECASE), "you are"),
    (re.compile(r"\b(?:the (?:agent|shop|store|company)|they|it) (?:opens|open)\b", re.IGNORECASE), "you open"),
    (re.compile(r"\b(?:the (?:agent|shop|store|company)) (\w+?)s\b", re.IGNORECASE), r"you \1"),
    (re.compile(r"\b(?:they|the (?:agent|shop|store|company)|them)\b", re.IGNORECASE), "you"),
    (re.compile(r"\btheir\b|\b(?:the )?(?:agent|shop|store|company)'s\b", re.IGNORECASE), "your"),
)


def goal_in(clause: str) -> Goal | None:
    """Return the goal that a clause of a prompt sets, or None if it sets none."""
    bare = clause.strip().strip("\"'“”").strip()
    if bare.endswith("?"):
        return _asked_outright(bare)
    bare = _CUT.sub("", _LEAD.sub("", bare)).strip(" .,!:")
    if "?" in bare and ":" in bare:
        return _asked_outright(bare)
    line = _said(bare)
    if not line:
        return None
    line = first_words(line, MAX_GOAL_WORDS)
    wants_information = bool(re.match(r"I have a question|Could you tell|I'd like to (?:know|find out|check)", line))
    return Goal(as_sentence(line, "?" if line.startswith("Could") else "."), topic_of(line), wants_information)


def plain_goal(line: str, topic: Topic) -> Goal:
    """Return a goal for a prompt that says what happened but not what for."""
    return Goal(line, topic, wants_information=line.endswith("?"))


def _asked_outright(clause: str) -> Goal:
    _, colon, after = clause.rpartition(": ")
    question = (after if colon and "?" in after else clause).strip("\"'“” ")
    question = re.sub(r"^(?:please )?(?:ask|say)(?: them| the agent)?,?\s+(?=\w)", "", question, flags=re.IGNORECASE)
    question = first_words(question[: question.index("?") + 1].strip("\"'“” ") if "?" in question else question, 40)
    return Goal(as_sentence(question, "?"), topic_of(question), wants_information=True)


def _said(bare: str) -> str:
    verb, _, rest = bare.partition(" ")
    verb, rest = base_form(verb.lower()) if verb.lower() != "is" else "", rest.strip()
    if verb.endswith("ing") and verb not in ("bring", "ring"):
        verb = {"asking": "ask", "wanting": "want", "complaining": "complain", "calling": "call"}.get(verb, verb)
    if folded(bare).startswith(("would like", "'d like")):
        verb, rest = "want", bare.split(" ", 2)[2] if bare.count(" ") > 1 else ""
    if re.match(r"(?:find|figure) out\b", bare, re.IGNORECASE):
        verb, rest = "learn", bare.split(" ", 2)[2] if bare.count(" ") > 1 else ""
    if not rest:
        return ""
    rest = re.sub(r"^(?:to|that) (?=you )", "", rest)
    match verb:
        case "ask" | "inquire" | "enquire":
            return _asked(rest)
        case "complain":
            return f"I'm calling to complain {in_first_person(rest)}"
        case "learn" | "know":
            return f"I'd like to find out {_to_them(rest)}"
        case "call" if rest.lower().startswith(("about ", "regarding ")):
            return f"I'm calling {_to_them(rest)}"
        case "insist" | "demand":
            wanted = in_first_person(re.sub(r"^(?:on |that )", "", rest))
            wanted = re.sub(r"^(?:speaking|talking)\b", lambda found: "to " + found[0].lower()[:-3], wanted)
            return f"I insist on {wanted}" if wanted.split(" ")[0].endswith("ing") else f"I want {wanted}"
        case "need":
            return f"I need {_to_them(rest)}"
        case "want" | "wish" | "request" | "expect" | "seek" | "desire" | "require" | "look":
            if re.match(r"to (?:ask|know|find out|complain|inquire|enquire)\b", rest, re.IGNORECASE):
                return _said(rest[3:])
            return f"I'd like {_to_them(re.sub(r'^for ', '', rest))}"
        case _ if _ACTION.match(bare):
            return f"I'd like to {verb} {_to_them(rest)}"
        case _:
            return ""


def _asked(rest: str) -> str:
    rest = re.sub(r"^(?:them|the agent|the bot|support|it|him|her|the \w+ agent)\s+", "", rest, flags=re.IGNORECASE)
    if _UNRELATED.search(rest) and re.match(r"(?:an?|some|for|about|the)\b", rest, re.IGNORECASE):
        _, colon, after = rest.partition(": ")
        return _to_them(after) + "?" if colon else TRIVIA
    if _QUESTION_WORD.match(rest):
        return f"I'd like to know {_to_them(rest)}"
    preposition, _, subject = rest.partition(" ")
    match preposition.lower():
        case "about" | "regarding":
            return f"I have a question about {_to_them(subject)}"
        case "for" if _INFORMATION.search(subject) and topic_of(subject) != "refund":
            return f"Could you tell me {_to_them(subject)}, please"
        case "for":
            return f"I'd like {_to_them(subject)}, please"
        case "to":
            return f"I'd like {_to_them(rest)}, please"
        case _:
            return f"I have a question: {_to_them(rest)}"


def _to_them(text: str) -> str:
    text = in_first_person(text)
    for pattern, replacement in _OTHERS:
        text = pattern.sub(replacement, text)
    return text
