"""Billing's books in PostgreSQL: every method is one or two set-based statements."""

from collections.abc import Collection, Mapping, Sequence

from services.billing import metrics
from services.billing.domain.account import Account, Posting
from services.billing.domain.reservation import Answer, Reservation, Status
from shared.db.transaction import Transaction
from shared.events.billing import LedgerEntry


class SqlBooks:
    """Books on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def lock_accounts(self, org_ids: Collection[int]) -> dict[int, Account]:
        if not org_ids:
            return {}
        ids = sorted(org_ids)
        await self._transaction.run(
            """
            INSERT INTO accounts (org_id) SELECT * FROM unnest(CAST(:ids AS bigint[])) AS new (id)
            WHERE NOT EXISTS (SELECT FROM accounts WHERE org_id = new.id) ORDER BY id
            ON CONFLICT DO NOTHING
            """,
            ids=ids,
        )
        rows = await self._transaction.rows(
            """
            SELECT org_id, balance_cents, held_cents, version, taken_back_cents FROM accounts
            WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR UPDATE
            """,
            ids=ids,
        )
        return {row.org_id: Account(*row) for row in rows}

    async def answered(self, request_ids: Collection[int]) -> frozenset[int]:
        return await self._among(
            "SELECT request_id FROM requests WHERE request_id = ANY(CAST(:ids AS bigint[]))", request_ids
        )

    async def ended_early(self, run_ids: Collection[int]) -> frozenset[int]:
        return await self._among("SELECT run_id FROM ended_early WHERE run_id = ANY(CAST(:ids AS bigint[]))", run_ids)

    async def _among(self, question: str, ids: Collection[int]) -> frozenset[int]:
        if not ids:
            return frozenset()
        return frozenset(row[0] for row in await self._transaction.rows(question, ids=list(ids)))

    async def payments(self, causes: Collection[str]) -> dict[str, int]:
        rows = await self._transaction.rows(
            """
            SELECT cause, CASE credit_account WHEN 'cash' THEN -amount_cents ELSE amount_cents END AS amount_cents
            FROM ledger WHERE cause = ANY(CAST(:causes AS text[])) AND kind IN ('deposit', 'adjustment')
            """,
            causes=list(causes),
        )
        return {row.cause: row.amount_cents for row in rows}

    async def reservations(self, run_ids: Collection[int]) -> dict[int, Reservation]:
        if not run_ids:
            return {}
        rows = await self._transaction.rows(
            """
            SELECT run_id, request_id, org_id, batch_id, status, held_cents, tariff_cents_per_minute,
                   charge_multiplier, held_minutes
            FROM reservations WHERE run_id = ANY(CAST(:ids AS bigint[]))
            """,
            ids=list(run_ids),
        )
        return {row.run_id: Reservation(*row) for row in rows}

    async def refuse_payments(self, *, deposits: int, adjustments: int) -> None:
        metrics.PAYMENTS_REFUSED.labels("deposit").inc(deposits)
        metrics.PAYMENTS_REFUSED.labels("adjustment").inc(adjustments)

    async def note_ended_early(self, run_ids: Collection[int]) -> None:
        if run_ids:
            await self._transaction.run(
                "INSERT INTO ended_early (run_id) SELECT * FROM unnest(CAST(:ids AS bigint[])) ON CONFLICT DO NOTHING",
                ids=sorted(run_ids),
            )

    async def note_answers(self, answers: Mapping[int, Answer]) -> None:
        if answers:
            await self._transaction.run(
                """
                INSERT INTO requests (request_id, answer)
                SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:answers AS text[]))
                """,
                ids=list(answers),
                answers=list(answers.values()),
            )
            for answer in answers.values():
                if answer != "reserved":
                    metrics.DECLINED.labels(answer).inc()

    async def open_reservations(self, reservations: Sequence[Reservation]) -> None:
        if reservations:
            await self._transaction.run(
                """
                INSERT INTO reservations (run_id, request_id, org_id, batch_id, status, held_cents,
                                          tariff_cents_per_minute, charge_multiplier, held_minutes)
                SELECT * FROM unnest(CAST(:runs AS bigint[]), CAST(:requests AS bigint[]), CAST(:orgs AS bigint[]),
                    CAST(:batches AS bigint[]), CAST(:statuses AS text[]), CAST(:held AS bigint[]),
                    CAST(:tariffs AS bigint[]), CAST(:multipliers AS integer[]), CAST(:minutes AS integer[]))
                """,
                runs=[one.run_id for one in reservations],
                requests=[one.request_id for one in reservations],
                orgs=[one.org_id for one in reservations],
                batches=[one.batch_id for one in reservations],
                statuses=[one.status for one in reservations],
                held=[one.held_cents for one in reservations],
                tariffs=[one.tariff_cents_per_minute for one in reservations],
                multipliers=[one.charge_multiplier for one in reservations],
                minutes=[one.held_minutes for one in reservations],
            )

    async def close_reservations(self, outcomes: Mapping[int, Status]) -> None:
        if outcomes:
            await self._transaction.run(
                """
                UPDATE reservations SET status = outcome.status, changed_at = clock_timestamp()
                FROM unnest(CAST(:runs AS bigint[]), CAST(:statuses AS text[])) AS outcome (run_id, status)
                WHERE reservations.run_id = outcome.run_id AND reservations.status = 'pending'
                """,
                runs=list(outcomes),
                statuses=list(outcomes.values()),
            )

    async def post(
        self, postings: Sequence[Sequence[Posting]], accounts: Collection[Account]
    ) -> list[tuple[LedgerEntry, ...]]:
        rows = [posting for group in postings for posting in group]
        if postings and accounts:
            await self._write_accounts(accounts)
        if not rows:
            return [() for _ in postings]
        numbered = await self._transaction.rows(
            "SELECT nextval('entry_ids') AS id, clock_timestamp() AS at FROM generate_series(1, :count)",
            count=len(rows),
        )
        created_at = numbered[0].at
        ids = sorted(row.id for row in numbered)
        await self._transaction.run(
            """
            INSERT INTO ledger (id, org_id, cause, kind, debit_account, credit_account, amount_cents, run_id, batch_id,
                                call_id, balance_cents, held_cents, reason, created_at)
            SELECT *, CAST(:at AS timestamptz) FROM unnest(CAST(:ids AS bigint[]), CAST(:orgs AS bigint[]),
                CAST(:causes AS text[]), CAST(:kinds AS text[]), CAST(:debits AS text[]), CAST(:credits AS text[]),
                CAST(:amounts AS bigint[]), CAST(:runs AS bigint[]), CAST(:batches AS bigint[]),
                CAST(:calls AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                CAST(:reasons AS text[]))
            """,
            at=created_at,
            ids=ids,
            orgs=[one.org_id for one in rows],
            causes=[one.cause for one in rows],
            kinds=[one.kind for one in rows],
            debits=[one.debit_account for one in rows],
            credits=[one.credit_account for one in rows],
            amounts=[one.amount_cents for one in rows],
            runs=[one.run_id for one in rows],
            batches=[one.batch_id for one in rows],
            calls=[one.call_id for one in rows],
            balances=[one.balance_cents for one in rows],
            held=[one.held_cents for one in rows],
            reasons=[one.reason for one in rows],
        )
        number = iter(ids)
        entries = []
        for group in postings:
            made = []
            for one in group:
                metrics.ENTRIES.labels(one.kind).inc()
                if one.kind == "settle":
                    metrics.SETTLED_CENTS.inc(one.amount_cents)
                made.append(
                    LedgerEntry(
                        entry_id=next(number),
                        kind=one.kind,
                        run_id=one.run_id,
                        batch_id=one.batch_id,
                        call_id=one.call_id,
                        amount_cents=one.signed_cents,
                        balance_cents=one.balance_cents,
                        held_cents=one.held_cents,
                        created_at=created_at,
                    )
                )
            entries.append(tuple(made))
        return entries

    async def _write_accounts(self, accounts: Collection[Account]) -> None:
        await self._transaction.run(
            """
            UPDATE accounts
            SET balance_cents = changed.balance, held_cents = changed.held, version = changed.version,
                taken_back_cents = changed.taken_back
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                        CAST(:versions AS bigint[]), CAST(:taken_back AS bigint[]))
                 AS changed (org_id, balance, held, version, taken_back)
            WHERE accounts.org_id = changed.org_id AND accounts.version <> changed.version
            """,
            orgs=[one.org_id for one in accounts],
            balances=[one.balance_cents for one in accounts],
            held=[one.held_cents for one in accounts],
            versions=[one.version for one in accounts],
            taken_back=[one.taken_back_cents for one in accounts],
        )
