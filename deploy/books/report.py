"""The leaks in words and as JSON."""

import json
from collections.abc import Sequence
from itertools import groupby

from deploy.books.kinds import KINDS, Finding

MAX_NAMED = 20  # of one kind, for people


def for_people(leaks: Sequence[Finding], *, seconds: float) -> str:
    """Return a paragraph for each kind of leak, the oldest first."""
    if not leaks:
        return f"the books are clean (looked for {seconds:.1f} s)"
    lines = []
    for kind, group in groupby(leaks, key=lambda one: one.kind):
        found = sorted(group, key=lambda one: -one.age_seconds)
        lines.append(f"{kind}: {len(found)}. {KINDS[kind]}")
        lines += [f"  {one.subject}, for {_age(one.age_seconds)}: {one.detail}" for one in found[:MAX_NAMED]]
        if len(found) > MAX_NAMED:
            lines.append(f"  and {len(found) - MAX_NAMED} more (--json names all)")
    return "\n".join([f"{len(leaks)} leaks", *lines])


def as_json(leaks: Sequence[Finding], *, seconds: float) -> str:
    """Return one JSON object."""
    return json.dumps(
        {
            "clean": not leaks,
            "looked_for_seconds": round(seconds, 3),
            "leaks": [
                {
                    "kind": one.kind,
                    "subject": one.subject,
                    "age_seconds": round(one.age_seconds, 3),
                    "detail": one.detail,
                    "meaning": KINDS[one.kind],
                }
                for one in leaks
            ],
        },
        indent=2,
    )


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
