"""What a customer is told when an endpoint gives no turn.

No prompt, no key, no address and no word of the answer is in it.
"""

from collections.abc import Iterable

from services.caller.domain.turn import PartyError, Side
from services.caller.edges.endpoints import failures
from services.caller.edges.parties.chat.refusals import Refused

WHOSE: dict[Side, str] = {"agent": "agent", "bot": "test bot"}
MEANINGS = {
    401: "it did not accept the key",
    402: "it wants to be paid first",
    403: "it did not accept the key for this",
    404: "it does not know this address, or this model",
    405: "its address is not one for chat completions",
    429: "it gets too many requests",
}
ELSEWHERE = "it points elsewhere, and no redirect is followed"
PARAMETERS = {"system": "the system role"}
ALWAYS_SENT = ("messages",)  # what can be refused and not be left out
BY_FILTER = frozenset({"content_filter", "safety", "blocklist", "prohibited_content", "recitation"})
AT_LENGTH = frozenset({"length", "max_tokens"})


def sentence(side: Side, rest: str) -> PartyError:
    """Return an error about a side's endpoint."""
    return PartyError(f"The {WHOSE[side]}'s endpoint {rest}")


def unanswered(side: Side, why: failures.Unanswered, limit_seconds: float) -> PartyError:
    """Return why a request got no answer."""
    return sentence(side, why_unanswered(why, limit_seconds))


def why_unanswered(why: failures.Unanswered, limit_seconds: float) -> str:
    """Return the same as what completes "The … endpoint …"."""
    match why:
        case failures.NotCalled():
            return "has no address that is called from here: its name is unknown, or leads inside"
        case failures.Distrusted(why=reason):
            return f"could not be trusted: {reason}"
        case failures.TooSlow():
            return f"did not answer in time: {limit_seconds:g} s are its limit"
        case failures.HungUp():
            return "ended the connection without an answer"
        case failures.TooLong():
            return "gave an answer that is too long"
        case failures.Unspeakable():
            return "gave an answer that could not be read"
        case _:
            return "could not be reached"


def refused(side: Side, answer: Refused, before: Iterable[str], *, guessed: bool) -> PartyError:
    """Return a refusal with every parameter that was refused on the way to it."""
    if answer.by_filter:
        return sentence(side, "refused the conversation: its content filter stopped it")
    rest = f"answered {answer.status}" if answer.status != 200 else "answered with an error"
    meaning = "it does not know this model" if answer.of_model else MEANINGS.get(answer.status)
    if 300 <= answer.status < 400:
        meaning = ELSEWHERE
    parts = [meaning] if meaning else []
    if answer.retry_after_seconds is not None:
        parts.append(f"it asks to wait {answer.retry_after_seconds} s")
    always = [name for name in ALWAYS_SENT if answer.param.startswith(name) and not answer.of_model]
    if names := [*(PARAMETERS.get(name, name) for name in before), *always]:
        parts.append(f"it refused {', '.join(names)}")
    if guessed:
        parts.append("it was asked with and without tools")
    return sentence(side, f"{rest}: {'; '.join(parts)}" if parts else rest)


def silent(side: Side, finish: str) -> PartyError | None:
    """Return why an answer has no words, None where only the far end knows."""
    if finish in BY_FILTER:
        return sentence(side, "said nothing: its content filter withheld the answer")
    if finish in AT_LENGTH:
        return sentence(side, "said nothing: it used up the longest answer before its first word")
    return None
