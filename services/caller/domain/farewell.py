"""Tells a line that takes leave from one in which "goodbye" only stands, as it does in slogans and company names."""

import re

_LEAVE = (
    r"(?:good ?-?bye|bye(?:[ -]bye)?|farewell|see you(?: (?:soon|later|then))?|talk to you (?:soon|later)|take care"
    r"|have (?:a|an) (?:\w+ ){0,2}(?:day|evening|night|afternoon|weekend|one|time)"
    r"|auf wieder(?:sehen|h[öo]ren)|tsch[üu]ss|adi[óo]s|hasta luego|au revoir|arrivederci|tchau|tot ziens)"
)
_BEFORE = r"(?:(?:and|so|well|then|ok|okay|great|perfect|all right|alright|thanks|thank you|cheers)[ ,]+)*"
_AFTER = (
    r"(?: (?:now|then|for now|everyone|sir|ma'?am|madam|and .*|to you(?: too)?|you too|(?:mr|mrs|ms)\.? \w+|[A-Z]\w+))*"
)
_TAKES_LEAVE = re.compile(f"(?i:{_BEFORE}{_LEAVE}){_AFTER}")
# At the end of a clause without a comma (`thank you for calling goodbye`), unless it is what somebody says or has.
_ENDS_SO = re.compile(
    r"(?i).*?(?<!\bto)(?<!\bsay)(?<!\bsays)(?<!\bsaid)(?<!\bsaying)(?<!\bwave)(?<!\bthe)(?<!\bour)(?<!\ba)"
    r" (?:good ?-?bye|bye(?: now)?)"
)
_COURTESY = re.compile(
    r"(?i)(?:and )?(?:thanks|thank you|thank|have|take|you too|it was|we look|we hope|call|please|i'll|i will)\b.*"
)
_SENTENCE = re.compile(r"[^.!?;:。！？]+[.!?;:。！？]*")
_CLAUSE = re.compile(r"[,–—]| - ")
MAX_READ_CHARS = 300  # of the line's end


def is_farewell(line: str) -> bool:
    """Say whether the line ends by taking leave: after the farewell come courtesies or a name, and no question."""
    if "?" in line or "？" in line:
        return False
    clauses = [
        clause.strip(" \t\n.!;:\"'*”“’")
        for sentence in _SENTENCE.findall(line[-MAX_READ_CHARS:])
        for clause in _CLAUSE.split(sentence)
    ]
    clauses = [clause for clause in clauses if clause]
    while clauses:
        last = clauses.pop()
        if _TAKES_LEAVE.fullmatch(last) or _ENDS_SO.fullmatch(last):
            return True
        if not (_COURTESY.fullmatch(last) or (len(last.split()) == 1 and last[:1].isupper())):
            return False
    return False
