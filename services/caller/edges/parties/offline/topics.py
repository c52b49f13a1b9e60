"""What a line is about, tolerant of typing errors."""

import re
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process

from services.caller.edges.parties.offline.words import words

Topic = Literal["human", "refund", "hours", "delivery", "cancel", "address", "payment", "warranty", "location", "other"]

SIMILAR_ENOUGH = 86  # of 100: "refnud" and "oppening" pass, "founder" for "refund" does not
SHORTEST_FUZZY_WORD = 5
MAX_WORDS = 120
MAX_TOPICS_REMEMBERED = 2_048

_VOCABULARY = """refund refunded return returning exchange opening opened hours closed closing saturday sunday delivery
delivered delayed delay shipment shipping package parcel tracking arrived human person representative supervisor manager
operator someone cancel cancelled cancellation address payment invoice warranty guarantee repair store location
complaint complain order number weekend holiday customer support monday tuesday wednesday thursday friday""".split()

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|tomorrow|today|tonight|holidays?|christmas|easter"
# The first that matches decides, so what a caller insists on comes before what the call is about.
_TOPICS: tuple[tuple[Topic, re.Pattern[str]], ...] = tuple(
    (topic, re.compile(pattern))  # type: ignore[misc]
    for topic, pattern in (
        (
            "human",
            r"\b(?:human|real person|live (?:agent|person)|representatives?|supervisor|manager|operator|someone real)\b"
            r"|\b(?:speak|talk|connect\w*|transfer\w*|put)\b.{0,30}\b(?:person|people|someone|somebody|colleague)\b",
        ),
        ("cancel", r"\bcancel\w*"),
        ("refund", r"\brefund\w*|\bmoney back\b|\breturn(?:s|ing|ed)?\b|\bsend .{0,20}\bback\b|\bexchange\b"),
        (
            "hours",
            r"\b(?:opening|business|working|office|store|shop) (?:hours?|times?)\b|\bwhat hours\b|\byour hours\b"
            r"|\bhours\b.{0,20}\b(?:" + _DAY + r")\b"
            r"|\b(?:when|time|until|late)\b.{0,30}\b(?:open|close|shut)s?\b"
            r"|\b(?:are you|you are|you're|is the (?:shop|store)|you|shop|store|be) (?:open|closed)\b"
            r"|\b(?:open|closed)\b.{0,20}\b(?:" + _DAY + r")\b",
        ),
        ("address", r"\b(?:change|update|correct|wrong|new)\b.{0,30}\baddress\b"),
        (
            "delivery",
            r"\bdeliver\w*|\bship(?:ment|ping|ped|s)?\b|\bpackages?\b|\bparcels?\b|\btracking\b|\bcourier\b"
            r"|\bwhere(?:'s| is)? my order\b|\border\b.{0,40}\b(?:late|arrived?|delayed|missing|status)\b"
            r"|\b(?:late|delayed|missing|status of)\b.{0,30}\border\b",
        ),
        ("warranty", r"\bwarranty\b|\bguarantee\b|\brepair\w*"),
        ("payment", r"\bpay(?:ment|ments|ing)?\b|\bpaypal\b|\bcredit cards?\b|\binvoices?\b"),
        ("location", r"\bwhere are you\b|\b(?:store|shop) (?:location|address)\b|\blocated\b"),
    )
)


@lru_cache(maxsize=MAX_TOPICS_REMEMBERED)
def topic_of(text: str) -> Topic:
    """Return the topic of a line; `other` for all that a shop's help line has nothing to do with."""
    read = with_typos_mended(text)
    return next((topic for topic, pattern in _TOPICS if pattern.search(read)), "other")


def with_typos_mended(text: str) -> str:
    """Return the words of `text`, folded, those replaced that are nearly a word of this trade."""
    return " ".join(_mended(word) for word in words(text)[:MAX_WORDS])


@lru_cache(maxsize=MAX_TOPICS_REMEMBERED)
def _mended(word: str) -> str:
    if len(word) < SHORTEST_FUZZY_WORD or word in _VOCABULARY:
        return word
    found = process.extractOne(word, _VOCABULARY, scorer=fuzz.ratio, score_cutoff=SIMILAR_ENOUGH)
    # A plural or a tense is no typing error: "orders" must not become "order" in what is matched further on.
    if found is None or word.startswith(found[0]) or word[0] != found[0][0]:
        return word
    return found[0]
