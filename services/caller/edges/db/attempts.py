"""Attempts in PostgreSQL: set-based statements, each guarded by the state and the lease that it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.caller import metrics
from services.caller.domain import limits
from services.caller.domain.attempt import CANCELED, EXPIRED, LOST, GivenUp, Returned
from services.caller.domain.lease import Renewal, Renewed
from services.caller.edges.db.given import given
from services.caller.edges.held import Taken
from shared.db.transaction import Transaction

RunAndToken = tuple[int, UUID]
UNDER_TOKEN = {"run_id": "bigint", "token": "uuid"}


@dataclass(frozen=True, slots=True)
class Ending:
    """When an attempt started, if it did, and ended. `starts`: nobody has said yet that it started."""

    started_at: datetime | None
    ended_at: datetime
    starts: bool


def _mine(**columns: str) -> str:
    """Return the rows under our tokens, each as it is and with what is given for it.

    They are locked in the order of the runs, whatever the plan: two statements that meet would else wait in a circle.
    """
    return f"""
    (
        SELECT given.*, attempts.started_at FROM {given(UNDER_TOKEN | columns)}
        JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
        ORDER BY attempts.run_id FOR UPDATE OF attempts
    ) AS mine
    WHERE attempts.run_id = mine.run_id AND attempts.lease_token = mine.token
    """  # noqa: S608 - names of this file


# PostgreSQL gets the statement after we have read our clock, so that a start is never stamped earlier than it was; and
# before it waits for any lock, so that it is hardly stamped later.
START = f"""
UPDATE attempts SET status = 'started', started_at = statement_timestamp() - make_interval(secs => mine.seconds_ago)
FROM {_mine(seconds_ago="float")} AND status = 'dialling'
RETURNING attempts.run_id, mine.token, attempts.started_at
"""  # noqa: S608 - a constant of this file

END = f"""
UPDATE attempts
SET status = CASE WHEN mine.completed THEN 'completed' ELSE 'failed' END,
    started_at = coalesce(mine.started_at, statement_timestamp() - make_interval(secs => mine.seconds_ago)),
    ended_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL
FROM {_mine(seconds_ago="float", completed="boolean")} AND status IN ('dialling', 'started')
RETURNING attempts.run_id, mine.token, attempts.started_at, ended_at, mine.started_at IS NULL AS starts
"""  # noqa: S608

PUT_BACK = f"""
UPDATE attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL, dispatch = mine.text,
    -- Nobody claims what is overdue: it goes back to the scheduler, which ends it.
    start_before = CASE WHEN canceled_at IS NULL THEN start_before ELSE LEAST(start_before, now()) END
FROM {_mine(text="text")} AND status = 'dialling'
"""  # noqa: S608

REFUSE = f"""
UPDATE attempts SET status = 'failed', ended_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL
FROM {_mine()} AND status = 'dialling'
RETURNING attempts.run_id, org_id, batch_id, call_id, attempts.started_at, talked_ms, ended_at,
          CAST(:reason AS text), traceparent
"""  # noqa: S608

RENEW = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM {given(UNDER_TOKEN | {"seconds": "float", "talked_ms": "integer"})}
), free AS MATERIALIZED (
    SELECT given.* FROM given
    JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
    ORDER BY given.run_id FOR UPDATE OF attempts SKIP LOCKED
), renewed AS (
    UPDATE attempts SET lease_expires_at = now() + make_interval(secs => free.seconds), talked_ms = free.talked_ms
    FROM free WHERE attempts.run_id = free.run_id AND lease_token = free.token
    RETURNING attempts.run_id, canceled_at IS NOT NULL AS canceled
)
SELECT given.run_id, given.run_id IN (SELECT run_id FROM renewed) AS renewed,
       given.run_id IN (SELECT run_id FROM renewed WHERE canceled) AS canceled
FROM given JOIN attempts ON attempts.run_id = given.run_id AND attempts.lease_token = given.token
"""  # noqa: S608


class SqlAttempts:
    """Attempts on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def give_up_overdue(self) -> list[GivenUp | Returned]:
        # Nobody claims any more without dialling: these are of a worker of before, which is gone. They are looked for
        # among the oldest leases that ran out, which the next statement ends, and not among all of them.
        await self._transaction.run(
            """
            UPDATE attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL
            WHERE run_id IN (
                SELECT run_id FROM (
                    SELECT run_id, status FROM attempts WHERE lease_expires_at < now()
                    ORDER BY lease_expires_at LIMIT :rows FOR UPDATE SKIP LOCKED
                ) AS lost WHERE status = 'claimed'
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
                SELECT run_id, CAST(CASE WHEN canceled_at IS NULL THEN :lost ELSE :canceled END AS text) AS reason
                FROM attempts
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
            canceled=CANCELED,
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

    async def renew(self, renewals: Sequence[Renewal]) -> Renewed:
        """Extend leases. What somebody else has locked just now is left alone, and holds up nothing."""
        rows = await self._transaction.rows(
            RENEW,
            seconds=[one.seconds for one in renewals],
            talked_ms=[one.talked_ms for one in renewals],
            **_arrays([(one.run_id, one.token) for one in renewals]),
        )
        return Renewed(
            frozenset(row.run_id for row in rows if row.renewed),
            frozenset(row.run_id for row in rows if not row.renewed),
            frozenset(row.run_id for row in rows if row.canceled),
        )

    async def start(self, mine: Sequence[RunAndToken], seconds_ago: Sequence[float]) -> dict[RunAndToken, datetime]:
        """Move dialling attempts to started, so many seconds ago; return when that was."""
        rows = await self._transaction.rows(START, seconds_ago=seconds_ago, **_arrays(mine))
        return {(row.run_id, row.token): row.started_at for row in rows}

    async def end(
        self, mine: Sequence[RunAndToken], seconds_ago: Sequence[float | None], completed: Sequence[bool]
    ) -> dict[RunAndToken, Ending]:
        """End attempts, and start those that were answered so many seconds ago and not started yet."""
        rows = await self._transaction.rows(END, seconds_ago=seconds_ago, completed=completed, **_arrays(mine))
        return {(row.run_id, row.token): Ending(row.started_at, row.ended_at, row.starts) for row in rows}

    async def refuse(self, mine: Sequence[RunAndToken], reason: str) -> list[GivenUp]:
        """Fail attempts that cannot be dialled by anybody."""
        return [GivenUp(*row) for row in await self._transaction.rows(REFUSE, reason=reason, **_arrays(mine))]

    async def put_back(self, taken: Sequence[Taken]) -> None:
        """Let others claim what this worker has taken and not dialled."""
        await self._transaction.run(
            PUT_BACK, text=[one.text for one in taken], **_arrays([one.claimed.key for one in taken])
        )

    async def is_decided(self, xid: str) -> bool:
        """Say whether a transaction of which nobody knows more is over, one way or the other."""
        status = await self._transaction.value("SELECT pg_xact_status(CAST(CAST(:xid AS text) AS xid8))", xid=xid)
        return bool(status != "in progress")


def _arrays(mine: Sequence[RunAndToken]) -> dict[str, list[object]]:
    return {"run_id": [run_id for run_id, _ in mine], "token": [token for _, token in mine]}
