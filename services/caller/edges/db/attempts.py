"""Attempts in PostgreSQL: set-based statements, each guarded by the state and the lease that it starts from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from services.caller.domain import limits
from services.caller.domain.attempt import EXPIRED, LOST, Claimed, GivenUp, Returned
from services.caller.edges.db.arriving import Arriving
from shared.db.transaction import Transaction
from shared.telemetry import metrics

RunAndToken = tuple[int, UUID]

# Locked in the order of the runs, whatever the plan: a renewal and an end that meet would else wait in a circle.
_MINE = """
    (
        SELECT attempts.run_id, given.token
        FROM unnest(CAST(:runs AS bigint[]), CAST(:tokens AS uuid[])) AS given (run_id, token)
        JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
        ORDER BY attempts.run_id FOR UPDATE OF attempts
    ) AS mine
"""


class SqlAttempts(Arriving):
    """Attempts on one transaction. `poke` wakes this process's worker."""

    def __init__(self, transaction: Transaction, *, poke: Callable[[], None]) -> None:
        super().__init__(transaction)
        self._poke = poke

    def ask_for_claims(self) -> None:
        self._transaction.after_commit(self._poke)

    async def give_up_overdue(self) -> list[GivenUp | Returned]:
        await self._transaction.run(
            """
            UPDATE attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL
            WHERE run_id IN (
                SELECT run_id FROM attempts WHERE lease_expires_at < now() AND status = 'claimed'
                ORDER BY lease_expires_at LIMIT :rows FOR UPDATE SKIP LOCKED
            )
            """,
            rows=limits.MAX_REAP_ATTEMPTS,
        )
        rows = await self._transaction.rows(
            """
            WITH expired AS MATERIALIZED (
                SELECT run_id, CAST(:expired AS text) AS reason FROM attempts
                WHERE status = 'waiting' AND lease_token IS NULL AND ended_at IS NULL AND start_before < now()
                ORDER BY heard_at LIMIT :rows FOR UPDATE SKIP LOCKED
            ), lost AS MATERIALIZED (
                SELECT run_id, CAST(:lost AS text) AS reason FROM attempts
                WHERE lease_expires_at < now() AND status IN ('dialling', 'started')
                ORDER BY lease_expires_at LIMIT :rows FOR UPDATE SKIP LOCKED
            ), overdue AS (
                SELECT * FROM expired UNION ALL SELECT * FROM lost
            )
            UPDATE attempts
            SET status = CASE WHEN overdue.reason = :expired AND dispatch_no IS NOT NULL THEN 'returned'
                              ELSE 'failed' END,
                ended_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL, dispatch = NULL
            FROM overdue WHERE attempts.run_id = overdue.run_id
            RETURNING attempts.run_id, org_id, batch_id, call_id, started_at, ended_at, overdue.reason, traceparent,
                      status, dispatch_no
            """,
            expired=EXPIRED,
            lost=LOST,
            rows=limits.MAX_REAP_ATTEMPTS,
        )
        given_up: list[GivenUp | Returned] = []
        for row in rows:
            if row.status == "returned":
                given_up.append(
                    Returned(row.run_id, row.org_id, row.batch_id, row.dispatch_no, row.ended_at, row.traceparent)
                )
            else:
                given_up.append(GivenUp(*row[:8]))
            outcome = row.status if row.status == "returned" else "expired" if row.reason == EXPIRED else "lost"
            metrics.ATTEMPTS_REAPED.labels(outcome).inc()
        return given_up

    async def claim(self, room: int) -> list[Claimed]:
        """Take at most `room` waiting attempts, oldest first, each under a token of its own."""
        rows = await self._transaction.rows(
            """
            WITH next AS MATERIALIZED (
                SELECT run_id FROM attempts
                WHERE status = 'waiting' AND lease_token IS NULL AND ended_at IS NULL AND start_before > now()
                ORDER BY heard_at LIMIT :room FOR UPDATE SKIP LOCKED
            )
            UPDATE attempts
            SET status = 'claimed', lease_token = gen_random_uuid(),
                lease_expires_at = now() + make_interval(secs => :seconds)
            FROM next WHERE attempts.run_id = next.run_id
            RETURNING attempts.run_id, call_id, lease_token, dispatch, traceparent
            """,
            room=room,
            seconds=limits.LEASE_SECONDS,
        )
        return [Claimed(*row) for row in rows]

    async def renew(self, mine: Sequence[RunAndToken]) -> frozenset[int]:
        """Extend leases; return the runs that are still this worker's."""
        rows = await self._transaction.rows(
            f"""
            UPDATE attempts SET lease_expires_at = now() + make_interval(secs => :seconds)
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token
            RETURNING attempts.run_id
            """,  # noqa: S608 - a constant of this file
            seconds=limits.LEASE_SECONDS,
            **_arrays(mine),
        )
        return frozenset(row.run_id for row in rows)

    async def dial(self, mine: Sequence[RunAndToken]) -> frozenset[RunAndToken]:
        """Move claimed attempts to dialling, if their time has not passed."""
        rows = await self._transaction.rows(
            f"""
            UPDATE attempts SET status = 'dialling'
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token AND status = 'claimed'
              -- The sum keeps the planner off the index on lease_expires_at, which would be read anew for each row.
              AND start_before > now() AND lease_expires_at + interval '0' > now()
            RETURNING attempts.run_id, mine.token
            """,  # noqa: S608
            **_arrays(mine),
        )
        return frozenset((row.run_id, row.token) for row in rows)

    async def start(self, mine: Sequence[RunAndToken]) -> dict[RunAndToken, datetime]:
        """Move dialling attempts to started, stamped now."""
        rows = await self._transaction.rows(
            f"""
            UPDATE attempts SET status = 'started', started_at = clock_timestamp()
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token AND status = 'dialling'
            RETURNING attempts.run_id, mine.token, started_at
            """,  # noqa: S608
            **_arrays(mine),
        )
        return {(row.run_id, row.token): row.started_at for row in rows}

    async def end(self, mine: Sequence[RunAndToken], completed: frozenset[int]) -> dict[RunAndToken, datetime]:
        """End attempts; return when each ended. The dispatch's text is not needed any more."""
        rows = await self._transaction.rows(
            f"""
            UPDATE attempts
            SET status = CASE WHEN attempts.run_id = ANY(CAST(:completed AS bigint[]))
                              THEN 'completed' ELSE 'failed' END,
                ended_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL, dispatch = NULL
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token
              AND status IN ('dialling', 'started')
            RETURNING attempts.run_id, mine.token, ended_at
            """,  # noqa: S608
            completed=sorted(completed),
            **_arrays(mine),
        )
        return {(row.run_id, row.token): row.ended_at for row in rows}

    async def refuse(self, mine: Sequence[RunAndToken], reason: str) -> list[GivenUp]:
        """Fail claimed attempts that cannot be dialled by anybody."""
        rows = await self._transaction.rows(
            f"""
            UPDATE attempts
            SET status = 'failed', ended_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL,
                dispatch = NULL
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token AND status = 'claimed'
            RETURNING attempts.run_id, org_id, batch_id, call_id, started_at, ended_at, CAST(:reason AS text),
                      traceparent
            """,  # noqa: S608
            reason=reason,
            **_arrays(mine),
        )
        return [GivenUp(*row) for row in rows]

    async def put_back(self, mine: Sequence[RunAndToken]) -> None:
        """Let others claim what this worker has not dialled."""
        await self._transaction.run(
            f"""
            UPDATE attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL
            FROM {_MINE} WHERE attempts.run_id = mine.run_id AND lease_token = mine.token AND status = 'claimed'
            """,  # noqa: S608
            **_arrays(mine),
        )


def _arrays(mine: Sequence[RunAndToken]) -> dict[str, list[object]]:
    ordered = sorted(mine)
    return {"runs": [run_id for run_id, _ in ordered], "tokens": [token for _, token in ordered]}
