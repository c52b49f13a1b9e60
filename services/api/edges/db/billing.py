"""What billing said, in PostgreSQL: accounts, the ledger, what each run cost, and the ends that only billing knows."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.api import metrics
from services.api.edges.db.counting import count_batches
from services.api.usecases.give_up_unreadable import UNREADABLE_END
from shared.db.transaction import Transaction
from shared.events.billing import Account, LedgerEntry


class SqlBilling:
    """Billing's word on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def take_accounts(
        self, accounts: Sequence[tuple[int, Account]], entries: Sequence[tuple[int, LedgerEntry]]
    ) -> None:
        newest: dict[int, Account] = {}
        for org_id, account in accounts:
            if org_id not in newest or account.version > newest[org_id].version:
                newest[org_id] = account
        rows = sorted(newest.items())
        if rows:
            await self._transaction.run(
                """
                INSERT INTO funds (org_id, balance_cents, held_cents, version)
                SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                                     CAST(:versions AS bigint[]))
                ON CONFLICT (org_id) DO UPDATE
                SET balance_cents = excluded.balance_cents, held_cents = excluded.held_cents,
                    version = excluded.version, heard_at = clock_timestamp()
                WHERE funds.version < excluded.version
                """,
                orgs=[org_id for org_id, _ in rows],
                balances=[account.balance_cents for _, account in rows],
                held=[account.held_cents for _, account in rows],
                versions=[account.version for _, account in rows],
            )
        if entries:
            await self._transaction.run(
                """
                INSERT INTO ledger_entries (org_id, entry_id, run_id, batch_id, call_id, kind, amount_cents,
                                            balance_cents, held_cents, created_at)
                SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:runs AS bigint[]),
                    CAST(:batches AS bigint[]), CAST(:calls AS bigint[]), CAST(:kinds AS text[]),
                    CAST(:amounts AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                    CAST(:created AS timestamptz[]))
                ON CONFLICT DO NOTHING
                """,
                orgs=[org_id for org_id, _ in entries],
                ids=[entry.entry_id for _, entry in entries],
                runs=[entry.run_id for _, entry in entries],
                batches=[entry.batch_id for _, entry in entries],
                calls=[entry.call_id for _, entry in entries],
                kinds=[entry.kind for _, entry in entries],
                amounts=[entry.amount_cents for _, entry in entries],
                balances=[entry.balance_cents for _, entry in entries],
                held=[entry.held_cents for _, entry in entries],
                created=[entry.created_at for _, entry in entries],
            )

    async def mark_answered(self, request_ids: Collection[int]) -> None:
        if request_ids:
            await self._transaction.run(
                """
                UPDATE runs SET funds_answered = true
                WHERE request_id = ANY(CAST(:ids AS bigint[])) AND NOT funds_answered
                """,
                ids=list(request_ids),
            )

    async def lose_ends(self, run_ids: Collection[int], at: datetime) -> None:
        if run_ids:
            await self._transaction.run(
                """
                UPDATE runs SET end_lost_at = :at
                WHERE id = ANY(CAST(:ids AS bigint[])) AND completed_at IS NULL AND end_lost_at IS NULL
                """,
                ids=sorted(run_ids),
                at=at,
            )
            await self._end_as_billed(run_ids)

    async def bill(self, bills: Sequence[tuple[int, int | None, int | None, datetime]]) -> None:
        if not bills:
            return
        rows = await self._transaction.rows(
            """
            UPDATE runs SET billed_cents = bill.cents, billable_minutes = bill.minutes, billed_at = bill.at,
                            updated_at = clock_timestamp()
            FROM unnest(CAST(:runs AS bigint[]), CAST(:cents AS bigint[]), CAST(:minutes AS integer[]),
                        CAST(:ats AS timestamptz[])) AS bill (run_id, cents, minutes, at)
            WHERE runs.id = bill.run_id AND (runs.billed_at IS NULL OR runs.billed_cents IS NULL)
            RETURNING runs.id, extract(epoch FROM bill.at - runs.created_at) AS seconds,
                      runs.end_lost_at IS NOT NULL AND runs.completed_at IS NULL AS end_is_lost
            """,
            runs=[run_id for run_id, _, _, _ in bills],
            cents=[cents for _, cents, _, _ in bills],
            minutes=[minutes for _, _, minutes, _ in bills],
            ats=[at for _, _, _, at in bills],
        )
        for row in rows:
            metrics.RUN_SECONDS.observe(max(0.0, float(row.seconds)))
        lost = [row.id for row in rows if row.end_is_lost]
        if lost:
            await self._end_as_billed(lost)

    async def _end_as_billed(self, run_ids: Collection[int]) -> None:
        """End runs whose end is lost and that billing has answered: charged ones completed, released ones failed.

        How long the call was and how it ended is not known and not guessed at; the end is not later than shown.
        """
        rows = await self._transaction.rows(
            """
            WITH known AS MATERIALIZED (
                SELECT id, charge.call_id, GREATEST(started_at, LEAST(end_lost_at, billed_at)) AS ended_at,
                       -- Without a call nothing was charged but a tariff of zero.
                       billable_minutes IS DISTINCT FROM 0 AND charge.call_id IS NOT NULL AS is_charged
                FROM runs
                CROSS JOIN LATERAL (
                    SELECT COALESCE(runs.call_id, (SELECT max(call_id) FROM ledger_entries WHERE run_id = runs.id))
                        AS call_id
                ) AS charge
                WHERE id = ANY(CAST(:ids AS bigint[])) AND end_lost_at IS NOT NULL AND billed_at IS NOT NULL
                  AND completed_at IS NULL
            ), moved AS (
                UPDATE runs
                SET status = CASE WHEN is_charged THEN 'completed' ELSE 'failed' END,
                    error_message = CASE WHEN is_charged THEN '' ELSE :reason END,
                    call_id = known.call_id,
                    started_at = CASE WHEN known.call_id IS NOT NULL THEN COALESCE(started_at, ended_at) END,
                    completed_at = ended_at, updated_at = clock_timestamp()
                FROM known WHERE runs.id = known.id
                RETURNING runs.id, runs.org_id, runs.batch_id, runs.agent_id, runs.direction, runs.target_number,
                          runs.call_id, runs.started_at, runs.completed_at, runs.status
            ), ended AS (
                INSERT INTO calls (call_id, org_id, run_id, agent_id, direction, from_number, to_number, product,
                                   voice, start_time, end_time, status, end_reason)
                SELECT call_id, org_id, id, agent_id,
                       CASE direction WHEN 'outbound' THEN 'inbound' ELSE 'outbound' END,
                       CASE direction WHEN 'outbound' THEN target_number ELSE '' END,
                       CASE direction WHEN 'outbound' THEN '' ELSE target_number END,
                       '', '', started_at, completed_at, status, CASE status WHEN 'failed' THEN 'error' END
                FROM moved WHERE call_id IS NOT NULL
                ON CONFLICT (call_id) DO UPDATE
                SET end_time = excluded.end_time, status = excluded.status, end_reason = excluded.end_reason
            )
            SELECT batch_id FROM moved WHERE batch_id IS NOT NULL
            """,
            ids=sorted(run_ids),
            reason=UNREADABLE_END,
        )
        await count_batches(self._transaction, {row.batch_id for row in rows})
