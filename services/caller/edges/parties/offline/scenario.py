"""Reads a role-play prompt as far as rules can: what is wanted, the facts, what to say if asked, the mood."""

import re
from dataclasses import dataclass, field
from hashlib import sha256

from services.caller.edges.parties.offline.plain import plain_text
from services.caller.edges.parties.offline.wording import in_first_person, mentions, sentence, sentences, to_the_other

MAX_CONDITIONS = 20
MAX_TOLD_SENTENCES = 2
TRIVIA_QUESTIONS = (
    "What is the capital of Australia?",
    "How many strings does a violin have?",
    "Who wrote Don Quixote?",
    "What is the longest river in Africa?",
)

GOAL_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("human", (r"human( being)?", "real person", "live agent", "representative", "operator", "a person", "supervisor")),
    (
        "policy",
        (
            r"(ask|asks|asking|question|know|learn|enquire|inquire) (about|how) (the |their |your )?refunds?",
            r"refund policy",
            r"return policy",
        ),
    ),
    ("refund", (r"refund(ed)?s?", "money back", "reimburse(ment|d)?")),
    (
        "delivery",
        (
            "delayed",
            "delay",
            "late",
            "overdue",
            r"(missing|lost) (delivery|package|parcel|order|shipment)",
            r"(not|n't|never) (yet )?(been )?(arrived?|delivered|received|come|shown up)",
            r"(track|where is) (my|your|the|an?) (order|package|parcel|shipment|delivery)",
        ),
    ),
    ("hours", (r"opening (hours|times)", r"(business|store|shop|office) hours", r"opens?", r"closes?", "hours")),
)
_NAME = re.compile(
    r"(?:name is|named|called|name's) ([A-Z][\w'-]+(?: [A-Z][\w'-]+){0,2})|^You are ([A-Z][\w'-]+(?: [A-Z][\w'-]+){0,2})[,. ]",
    re.MULTILINE,
)
_ORDER = re.compile(
    r"(?:order|reference|booking|tracking|invoice)(?: (?:number|no\.?|id|code))?(?: is|:)?\s{0,3}#?\s{0,3}"
    r"([A-Z]{0,4}[-/]?(?:\d[\dA-Z-]{2,15}(?:[/.][\dA-Z-]{1,15}){0,4}|\d{1,3}(?= \d{3}))(?: \d{3,8}){0,4}(?![\dA-Z]))",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{0,100}\w")
# Numbers are said as the prompt writes them: with their brackets, dots and slashes.
_PHONE = re.compile(
    r"(?:phone|mobile|cell|number to call|(?:call|reach) (?:you|them|me)(?: back)? (?:at|on)|\byour number is)"
    r"[^\d(+]{0,20}([+(]{0,2}\d[\d ()./-]{5,22}\d)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(?:[$€£¥] ?\d{1,12}(?:[.,]\d{1,9}){0,5}"
    r"|(?<![\d.,])\d{1,9}(?:[.,]\d{1,3}){0,5} ?(?:[€£¥]|(?:dollars|euros|pounds|usd|eur)\b))",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"(?:bought|ordered|purchased|got) ((?:(?:a|an|some|the|two|three|a pair of|new) ){0,2}[a-z][\w -]{2,40}?)(?= (?:which|that|from|on|at|for|last|two|three|a|\d+|yesterday|weeks?|days?|and|but|with|in)\b|[,.;]|$)",
    re.IGNORECASE,
)
_REFUND_FOR = re.compile(
    r"refund(?:ed|s)? (?:for|on|of) (?!(?:it|this|that|them|something|order|number|#)\b)"
    r"((?:(?:a|an|some|the|your|two|three|a pair of) ){0,2}[a-z][^.,;!?\n]{1,80}?)"
    r"(?= (?:because|since|but|and|if|as|which you|that you|from|at) |[.,;!?\n]|$)",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b((?:\w+ (?:days?|weeks?|months?) ago)|yesterday|last (?:week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday|holidays?|weekends?|today|tomorrow)s?\b",
    re.IGNORECASE,
)
_IF_ASKED = re.compile(
    r"(?:if|when) (?:you are |you're |they |the agent |anyone |somebody )?(?:asks?|asked)(?: (?:you|about|for|you for|you about))? (.{1,200}?),? (?:say|answer|reply|tell them|respond)(?: that| with)? (.+)",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"[\"“”']([^\"“”]{3,300}\?)[\"“”']?")
_TRIVIA = re.compile(r"((?:who|what|which|when|where|why|how)\b[^.?!:]{4,200}\?)", re.IGNORECASE)
_WANT = re.compile(
    r"(?:want(?:s|ed)? to|would like to|need(?:s)? to|try(?:ing)? to|call(?:ing)? to|goal is to|task is to) ([^.!?;]{3,160})",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"\b(?:ask|asking|enquire|inquire)(?:s)? (?:the agent |them )?(about|for|whether|if|how|what|when|where|who|to) ([^.!?;]{2,160})",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"^(?:please )?((?:book|order|reserve|cancel|change|reschedule|schedule|check|make|find|buy|update|confirm|report|pay|renew) [^.!?;]{3,160})",
    re.IGNORECASE,
)
_MOOD = re.compile(r"^you (?:are|feel) (?:\w+ ){0,2}\w+: ", re.IGNORECASE)
_REASON = re.compile(r"\bbecause ((?:you|your|it|they|the) [^.;]{3,160})", re.IGNORECASE)
_TOLD_TO = re.compile(r"^(?:complain|say|mention|explain|tell (?:them|the agent)) that ", re.IGNORECASE)
_PROBLEM = (
    "broken",
    "broke",
    "crackles?",
    "crackling",
    "damaged",
    "defective",
    "faulty",
    "stopped",
    "doesn't work",
    "does not work",
    "don't work",
    "do not work",
    "wrong",
    "too small",
    "too big",
    "torn",
    "scratched",
    "leaks?",
    "problem",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A prompt, read. Facts by their name; `told` are sentences about the caller's situation, in the first person."""

    goal: str
    wish: str
    question: str
    day: str
    angry: bool
    facts: dict[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    if_asked: tuple[tuple[str, str], ...] = ()


def read_scenario(prompt: str) -> Scenario:
    """Read a prompt. Never fails: what no rule fits becomes a caller who asks what the agent can help with."""
    plain = plain_text(prompt)
    text = " ".join("".join(char if char.isprintable() or char == "\n" else " " for char in plain).split(" "))
    parts = sentences(text)
    conditions = [match for part in parts if (match := _IF_ASKED.search(part))]
    rest = " ".join(part for part in parts if not _IF_ASKED.search(part))
    facts = _facts(text)
    question = _question(rest) or _trivia(rest)
    goal = next((name for name, words in GOAL_WORDS if mentions(rest, *words)), "")
    if question and goal in ("", "hours") and not mentions(question, "opens?", "opening", "closes?", "hours"):
        goal = "question"
    day = _DAY.search(rest)
    return Scenario(
        goal=goal or ("wish" if _wish(rest) else "none"),
        wish=_wish(rest),
        question=question,
        day=day[1].capitalize() if day else "",
        angry=mentions(rest, "angry", "furious", "annoyed", "upset", "frustrated", "impatient", "rude", "irritated"),
        facts=facts,
        told=_told(parts),
        if_asked=tuple(
            (match[1].strip(), sentence(in_first_person(match[2].strip(" \"'“”."))))
            for match in conditions[:MAX_CONDITIONS]
        ),
    )


def _facts(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    if name := _NAME.search(text):
        facts["name"] = name[1] or name[2]
    for key, pattern in (("order", _ORDER), ("phone", _PHONE), ("item", _ITEM), ("when", _WHEN)):
        if match := pattern.search(text):
            facts[key] = match[1].strip()
    if "item" not in facts and (refund_for := _REFUND_FOR.search(text)):
        facts["refund for"] = in_first_person(refund_for[1].strip())
        facts["item"] = re.split(r" (?:that|which|who|with) ", facts["refund for"])[0]
    for key, pattern in (("email", _EMAIL), ("amount", _AMOUNT)):
        if match := pattern.search(text):
            facts[key] = match[0]
    if (name_given := facts.get("name", "")).split(" ")[0].lower() in ("a", "an", "the", "calling", "angry"):
        facts.pop("name", name_given)
    return facts


def _question(text: str) -> str:
    if quoted := _QUOTE.search(text):
        return sentence(quoted[1])
    if plain := _TRIVIA.search(text):
        return sentence(plain[1])
    asked = re.search(
        r"\bask\b[^.]{0,200}?\b((?:who|what|which|when|where|why|how) [^.!?;]{4,160})", text, re.IGNORECASE
    )
    if asked and not mentions(asked[1], "opens?", "closes?", "opening", "hours", "you can"):
        return _direct(in_first_person(asked[1]))
    return ""


def _trivia(text: str) -> str:
    """Return a question where the prompt asks for one without saying which; the same prompt gives the same one."""
    if not mentions(text, "trivia", r"(unrelated|off-topic|random) question", "general knowledge"):
        return ""
    return TRIVIA_QUESTIONS[sha256(text.encode("utf-8", "replace")).digest()[0] % len(TRIVIA_QUESTIONS)]


def _direct(indirect: str) -> str:
    """Turn `what the capital is` into `What is the capital?`."""
    turned = re.sub(
        r"^(what|who|where|when|how) (.+) (is|was|are|were)$", r"\1 \3 \2", indirect.strip(), flags=re.IGNORECASE
    )
    return sentence(turned).rstrip(".") + "?"


def _wish(text: str) -> str:
    if do := _IMPERATIVE.search(text):
        return sentence(f"I'd like to {do[1][0].lower()}{in_first_person(do[1][1:])}")
    if want := _WANT.search(text):
        return sentence("I'd like to " + in_first_person(want[1]))
    if ask := _ASK.search(text):
        link = "" if ask[1].lower() in ("about", "for", "to") else ask[1] + " "
        if ask[1].lower() == "to" and mentions(ask[0], "agent", "them"):
            return sentence("Could you " + to_the_other(ask[2])).rstrip(".") + "?"
        verb = {"about": "I have a question about ", "for": "I'd like to ask for ", "to": "I'd like to "}
        return sentence(verb.get(ask[1].lower(), "I'd like to know ") + link + in_first_person(ask[2]))
    return ""


def _told(parts: list[str]) -> tuple[str, ...]:
    """Return what the caller would tell of themselves: sentences with `you` and a problem or a purchase in them."""
    told = []
    for part in parts:
        clause = re.search(r"\bwho (?:has |have )?((?:bought|ordered|purchased) [^.;]+)", part, re.IGNORECASE)
        if clause and not _IF_ASKED.search(part):
            told.append(sentence("I " + in_first_person(clause[1])))
            continue
        if _IF_ASKED.search(part):
            continue
        if reason := _REASON.search(part):
            told.append(sentence(in_first_person(reason[1])))
            continue
        part = _TOLD_TO.sub("", _MOOD.sub("", part))
        if mentions(part, "you want", "your goal", "you are an?", "ask", "insist", "say"):
            continue
        if mentions(part, *_PROBLEM) or mentions(
            part, "bought", "ordered", "purchased", "waiting", "arrived?", "promised"
        ):
            told.append(sentence(in_first_person(part)))
    return tuple(told[:MAX_TOLD_SENTENCES])
