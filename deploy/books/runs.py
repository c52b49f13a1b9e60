"""Runs: what each service knows of one, and whether it fits together."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from deploy.books.kinds import Finding
from deploy.books.sources import RECENT, Row, Sources
from deploy.books.walking import Side, Together, walk, walk_numbers

MAX_OPEN_RUNS = 10_000

SIDES: dict[str, Side] = {
    "api": (
        """
        SELECT id, org_id, status, completed_at IS NOT NULL AS ended,
               -- One run of a request waits for the answer to all of them.
               NOT EXISTS (SELECT FROM runs AS of_request WHERE of_request.request_id = runs.request_id
                                                            AND NOT of_request.funds_answered) AS funds_answered,
               billed_at IS NOT NULL AS billed, billed_cents,
               extract(epoch FROM clock_timestamp() - updated_at) AS quiet_seconds
        FROM runs
        """,
        "id",
    ),
    "billing": (
        """
        SELECT run_id, org_id, status, held_cents, entries.held, entries.settled, entries.released,
               extract(epoch FROM clock_timestamp() - changed_at) AS quiet_seconds
        FROM reservations CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_cents) FILTER (WHERE kind = 'hold'), 0) AS held,
                   coalesce(sum(amount_cents) FILTER (WHERE kind = 'settle'), 0) AS settled,
                   coalesce(sum(amount_cents) FILTER (WHERE kind = 'release'), 0) AS released
            FROM ledger WHERE cause = 'run:' || reservations.run_id
        ) AS entries
        """,
        "run_id",
    ),
    "scheduler": (
        """
        SELECT run_id, org_id, status,
               CASE WHEN status NOT IN ('dispatched', 'ended')
                    THEN extract(epoch FROM clock_timestamp() - expires_at) ELSE 0 END AS overdue_seconds,
               extract(epoch FROM clock_timestamp() - greatest(requested_at, dispatched_at, started_at, ended_at))
                   AS quiet_seconds
        FROM runs
        """,
        "run_id",
    ),
    "caller": (
        """
        SELECT run_id, org_id, status, ended_at IS NOT NULL AS ended,
               CASE WHEN ended_at IS NULL
                    THEN extract(epoch FROM clock_timestamp() - coalesce(lease_expires_at, start_before)) ELSE 0 END
                   AS overdue_seconds,
               extract(epoch FROM clock_timestamp() - greatest(heard_at, started_at, ended_at)) AS quiet_seconds
        FROM attempts
        """,
        "run_id",
    ),
}
ACROSS = ("api", "billing", "scheduler", "caller")


async def look_at_runs(sources: Sources, *, recent: bool) -> list[Finding]:
    """Compare all runs, or those of the last hours and all that are open."""
    findings: list[Finding] = []
    after = await _last_old_run(sources) if recent else 0
    async for page in walk(sources, SIDES, after=after):
        findings += _of_page(sources, page)
    if recent:
        async for page in _open_before(sources, after):
            findings += _of_page(sources, page)
    return findings


async def look_again_at_runs(sources: Sources, run_ids: list[int]) -> list[Finding]:
    """Compare these runs."""
    return [finding async for page in walk_numbers(sources, SIDES, run_ids) for finding in _of_page(sources, page)]


async def _last_old_run(sources: Sources) -> int:
    question = "SELECT id FROM runs WHERE created_at < now() - $1::interval ORDER BY id DESC LIMIT 1"
    rows = await sources.rows("api", question, RECENT)
    return int(rows[0][0]) if rows else 0


async def _open_before(sources: Sources, upto: int) -> AsyncIterator[Together]:
    questions = {
        "api": "SELECT id FROM runs WHERE completed_at IS NULL AND id <= $1 LIMIT $2",
        "caller": "SELECT run_id FROM attempts WHERE lease_expires_at IS NOT NULL AND run_id <= $1 LIMIT $2",
    }
    numbers = {
        row[0]
        for schema, question in questions.items()
        for row in await sources.rows(schema, question, upto, MAX_OPEN_RUNS)
    }
    async for page in walk_numbers(sources, SIDES, sorted(numbers)):
        yield page


def _of_page(sources: Sources, page: Together) -> Iterator[Finding]:
    across = sources.has(*ACROSS)
    for run_id, sides in page.items():
        for kind in (*_within(sides), *(compare(sides) if across else ())):
            overdue = kind in ("queued_past_its_time", "attempt_past_its_lease")
            ages = [row["overdue_seconds" if overdue else "quiet_seconds"] for row in _aged(sides, kind)]
            yield Finding(kind, f"run {run_id}", max(0.0, float(min(ages))), _told(sides), run_id)


def _aged(sides: Mapping[str, Row], kind: str) -> list[Row]:
    owner = {"queued_past_its_time": "scheduler", "attempt_past_its_lease": "caller"}.get(kind)
    return [sides[owner]] if owner else list(sides.values())


def _told(sides: Mapping[str, Row]) -> str:
    return ", ".join(f"{schema}: {sides[schema]['status'] if schema in sides else 'unknown'}" for schema in ACROSS)


def _within(sides: Mapping[str, Row]) -> Iterator[str]:
    """What one service's own tables tell."""
    hold, slot, attempt = sides.get("billing"), sides.get("scheduler"), sides.get("caller")
    if hold is not None:
        let_go = hold["settled"] + hold["released"]
        pending = hold["status"] == "pending"
        if (hold["held"], let_go) != (hold["held_cents"], 0 if pending else hold["held_cents"]):
            yield "hold_unbalanced"
    if slot is not None and slot["overdue_seconds"] > 0:
        yield "queued_past_its_time"
    if attempt is not None and attempt["overdue_seconds"] > 0:
        yield "attempt_past_its_lease"


def compare(sides: Mapping[str, Any]) -> Iterator[str]:
    """Name what does not fit together between the services' rows of one run."""
    run, hold, slot, attempt = (sides.get(schema) for schema in ACROSS)
    if attempt is not None and attempt["status"] == "returned":
        attempt = None  # nobody had room: the run waits in the scheduler's queue again
    pending = hold is not None and hold["status"] == "pending"
    up = attempt is not None and not attempt["ended"]
    if len({row["org_id"] for row in sides.values() if row["org_id"] is not None}) > 1:
        yield "other_organisation"
    if pending and run is None:
        yield "held_for_no_run"
    if slot is not None and slot["status"] == "dispatched" and not up:
        yield "slot_without_attempt"
    if up and ((run is not None and run["ended"]) or (slot is not None and slot["status"] == "ended")):
        yield "attempt_after_the_end"
    elif up and not pending:
        yield "call_without_hold"
    if run is None:
        return
    if not run["funds_answered"]:
        yield "unknown_to_billing" if hold is None else "answer_not_heard"
    if run["ended"]:
        yield from _ended(run, hold, slot)
    else:
        yield from _open(run, hold, slot, attempt)


def _open(run: Row, hold: Row | None, slot: Row | None, attempt: Row | None) -> Iterator[str]:
    if (
        (hold is not None and hold["status"] != "pending")
        or (slot is not None and slot["status"] == "ended")
        or (attempt is not None and attempt["ended"])
    ):
        yield "open_after_its_end"
    elif run["funds_answered"] and hold is None:
        yield "open_without_hold"
    elif hold is not None and slot is None:
        yield "unknown_to_scheduler"
    elif run["status"] == "in_progress" and attempt is None:
        yield "in_progress_without_attempt"


def _ended(run: Row, hold: Row | None, slot: Row | None) -> Iterator[str]:
    if slot is not None and slot["status"] not in ("dispatched", "ended"):
        yield "queued_after_the_end"
    if hold is None:  # billing forgets closed reservations in time; the ledger stays
        if run["status"] == "completed" and not run["billed"]:
            yield "completed_without_charge"
        return
    if hold["status"] == "pending":
        yield "held_after_the_end"
        return
    if run["status"] == "completed" and hold["status"] != "posted":
        yield "completed_without_charge"
    if run["status"] == "failed" and hold["status"] == "posted":
        yield "failed_beside_a_charge"
    if not run["billed"] and (hold["status"] == "posted" or hold["held_cents"] > 0):
        yield "unbilled"
    if run["billed"] and run["billed_cents"] != hold["settled"]:
        yield "billed_otherwise"
