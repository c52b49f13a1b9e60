"""Looks, and looks again at what seemed wrong: a finding counts when it is still so after the grace time."""

import asyncio
from collections.abc import Hashable, Iterable
from dataclasses import replace

import asyncpg

from deploy.books.copies import look_at_entries, look_at_funds
from deploy.books.counters import look_at_open_runs, look_at_outboxes, look_at_slots
from deploy.books.kinds import Finding
from deploy.books.ledger import look_at_ledger
from deploy.books.runs import look_again_at_runs, look_at_runs
from deploy.books.sources import CouldNotLook, Sources

GRACE_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 1.0
MAX_FINDINGS = 10_000  # looked at again; with more of them it is no longer a question of which

Findings = dict[Hashable, Finding]


async def check(sources: Sources, *, grace_seconds: float = GRACE_SECONDS, recent: bool = False) -> list[Finding]:
    """Return the leaks: what is wrong now and stays so for `grace_seconds`. `recent` reads the last two hours alone.

    Events are in flight and the schemas are read one after the other, so a first look at a busy system always finds
    something. Raises CouldNotLook.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        suspects = _by_key(await _look(sources, recent=recent))
        while suspects and (left := began + grace_seconds - loop.time()) > 0:
            await asyncio.sleep(min(left, LOOK_AGAIN_SECONDS))
            still = _by_key(await _look_again(sources, suspects.values()))
            suspects = {key: still[key] for key in suspects if key in still}
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CouldNotLook(f"{type(error).__name__} while the books were read") from error
    watched_seconds = loop.time() - began
    leaks = [replace(one, age_seconds=max(one.age_seconds, watched_seconds)) for one in suspects.values()]
    return sorted(leaks, key=lambda one: (one.kind, one.number, one.subject))


def _by_key(findings: Iterable[Finding]) -> Findings:
    return dict(list({one.key: one for one in findings}.items())[:MAX_FINDINGS])


async def _look(sources: Sources, *, recent: bool) -> list[Finding]:
    return [
        *await look_at_runs(sources, recent=recent),
        *await look_at_ledger(sources, recent=recent),
        *await look_at_funds(sources),
        *await look_at_entries(sources, recent=recent),
        *await look_at_slots(sources),
        *await look_at_open_runs(sources),
        *await look_at_outboxes(sources),
    ]


async def _look_again(sources: Sources, suspects: Iterable[Finding]) -> list[Finding]:
    """Look at what was found alone."""
    numbers: dict[str, set[int]] = {}
    for one in suspects:
        numbers.setdefault(one.subject.split()[0], set()).add(one.number)
    runs, orgs, entries = (sorted(numbers.get(what, ())) for what in ("run", "org", "entry"))
    return [
        *(await look_again_at_runs(sources, runs)),
        *(await look_at_ledger(sources, recent=False, org_ids=orgs) if orgs else ()),
        *(await look_at_funds(sources, org_ids=orgs) if orgs else ()),
        *(await look_at_entries(sources, recent=False, entry_ids=entries) if entries else ()),
        *await look_at_slots(sources),
        *await look_at_open_runs(sources),
        *await look_at_outboxes(sources),
    ]
