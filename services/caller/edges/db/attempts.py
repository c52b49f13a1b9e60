"""Attempts in PostgreSQL: set-based statements, each guarded by the state and the lease that it starts from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from services.caller import metrics
from services.caller.domain import limits
from services.caller.domain.attempt import EXPIRED, LOST, Claimed, Claims, GivenUp, Returned
from services.caller.domain.lease import Renewal, Renewed
from services.caller.edges.db.arriving import Arriving
from services.caller.edges.db.claiming import CLAIM
from shared.db.transaction import Transaction

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
                WHERE status = 'waiting' AND lease_expires_at IS NULL AND ended_at IS NULL AND start_before < now()
                ORDER BY start_before LIMIT :rows FOR UPDATE SKIP LOCKED
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
            RETURNING attempts.run_id, org_id, batch_id, call_id, started_at, talked_ms, ended_at, overdue.reason,
                      traceparent, status, dispatch_no
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
                given_up.append(GivenUp(*row[:9]))
            outcome = row.status if row.status == "returned" else "expired" if row.reason == EXPIRED else "lost"
            metrics.ATTEMPTS_REAPED.labels(outcome).inc()
        return given_up

    async def claim(self, room: int, after_org: int = 0) -> Claims:
        """Take at most `room` waiting attempts, each under a token of its own.

        The organisations take turns, beginning with the one after `after_org`; of each, the oldest come first.
        """
        rows = await self._transaction.rows(
            CLAIM, room=room, after_org=after_org, orgs=limits.MAX_CLAIM_ORGS, seconds=limits.LEASE_SECONDS
        )
        # Where all had a turn, a second one may have been left half done; where not, the others come next.
        last = max(rows, key=lambda row: (row.turn if row.orgs < limits.MAX_CLAIM_ORGS else 0, row.nth), default=None)
        return Claims(
            tuple(
                Claimed(row.run_id, row.call_id, row.lease_token, row.dispatch, row.traceparent, row.starts_within)
                for row in rows
            ),
            after_org if last is None else last.org_id,
            len(rows) == room or any(row.turn == row.share for row in rows),
        )

    async def renew(self, renewals: Sequence[Renewal]) -> Renewed:
        """Extend leases. What somebody else has locked just now is left alone, and holds up nothing."""
        ordered = sorted(renewals, key=lambda one: one.run_id)
        rows = await self._transaction.rows(
            """
            WITH given AS MATERIALIZED (
                SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:tokens AS uuid[]), CAST(:seconds AS float[]),
                    CAST(:talked AS integer[])) AS given (run_id, token, seconds, talked_ms)
            ), free AS (
                SELECT given.* FROM given
                JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
                ORDER BY given.run_id FOR UPDATE OF attempts SKIP LOCKED
            ), renewed AS (
                UPDATE attempts
                SET lease_expires_at = now() + make_interval(secs => free.seconds), talked_ms = free.talked_ms
                FROM free WHERE attempts.run_id = free.run_id AND lease_token = free.token
                RETURNING attempts.run_id
            )
            SELECT given.run_id, renewed.run_id IS NOT NULL AS renewed
            FROM given
            JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
            LEFT JOIN renewed ON renewed.run_id = given.run_id
            """,
            runs=[one.run_id for one in ordered],
            tokens=[one.token for one in ordered],
            seconds=[one.seconds for one in ordered],
            talked=[one.talked_ms for one in ordered],
        )
        return Renewed(
            frozenset(row.run_id for row in rows if row.renewed),
            frozenset(row.run_id for row in rows if not row.renewed),
        )

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
            RETURNING attempts.run_id, org_id, batch_id, call_id, started_at, talked_ms, ended_at,
                      CAST(:reason AS text), traceparent
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
