"""Billing's SQL: a statement for each, whatever the number of rows. Rows that nobody has yet are copied in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from services.billing.domain.account import Account, Posting
from services.billing.domain.reservation import Answer, Reservation
from shared.db.transaction import Transaction

POSTING = tuple(field.name for field in fields(Posting))
RESERVATION = tuple(field.name for field in fields(Reservation))
_of_posting, _of_reservation = attrgetter(*POSTING), attrgetter(*RESERVATION)


async def lock_accounts(transaction: Transaction, org_ids: Sequence[int]) -> dict[int, Account]:
    """Lock sorted accounts. Two statements: what the first opens, or waits for, only a later one sees."""
    await transaction.run(
        """
        INSERT INTO accounts (org_id) SELECT * FROM unnest(CAST(:ids AS bigint[])) AS new (id)
        WHERE NOT EXISTS (SELECT FROM accounts WHERE org_id = new.id) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
        ids=org_ids,
    )
    rows = await transaction.rows(
        """
        SELECT org_id, balance_cents, held_cents, version, taken_back_cents FROM accounts
        WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR UPDATE
        """,
        ids=org_ids,
    )
    return {row.org_id: Account(*row) for row in rows}


async def answered_and_ended(
    transaction: Transaction, request_ids: Collection[int], run_ids: Collection[int]
) -> tuple[list[int], list[int]]:
    """Return which requests have been answered, and which runs ended before their request was heard."""
    (row,) = await transaction.rows(
        """
        SELECT ARRAY(SELECT request_id FROM requests WHERE request_id = ANY(CAST(:requests AS bigint[]))) AS answered,
               ARRAY(SELECT run_id FROM ended_early WHERE run_id = ANY(CAST(:runs AS bigint[]))) AS ended
        """,
        requests=list(request_ids),
        runs=list(run_ids),
    )
    return row.answered, row.ended


async def payments(transaction: Transaction, causes: Collection[str]) -> dict[str, int]:
    """Return the amounts of posted payments, by cause."""
    rows = await transaction.rows(
        """
        SELECT cause, CASE credit_account WHEN 'cash' THEN -amount_cents ELSE amount_cents END AS amount_cents
        FROM ledger WHERE cause = ANY(CAST(:causes AS text[])) AND kind IN ('deposit', 'adjustment')
        """,
        causes=list(causes),
    )
    return {row.cause: row.amount_cents for row in rows}


async def reservations(transaction: Transaction, run_ids: Collection[int]) -> dict[int, Reservation]:
    """Return the reservations of runs, as far as there are any."""
    rows = await transaction.rows(
        """
        SELECT run_id, request_id, org_id, batch_id, status, held_cents, tariff_cents_per_minute, charge_multiplier,
               held_minutes
        FROM reservations WHERE run_id = ANY(CAST(:ids AS bigint[]))
        """,
        ids=list(run_ids),
    )
    return {row.run_id: Reservation(*row) for row in rows}


async def note_ended_early(transaction: Transaction, run_ids: Collection[int]) -> None:
    """Remember runs that ended before their request was heard."""
    if run_ids:
        await transaction.run(
            "INSERT INTO ended_early (run_id) SELECT * FROM unnest(CAST(:ids AS bigint[])) ON CONFLICT DO NOTHING",
            ids=sorted(run_ids),
        )


async def write_accounts(
    transaction: Transaction, accounts: Collection[Account], *, entries: int
) -> tuple[list[int], datetime]:
    """Write accounts that are locked; return the ids of their next entries, which grow, and the time."""
    (row,) = await transaction.rows(
        """
        WITH written AS (
            UPDATE accounts
            SET balance_cents = changed.balance, held_cents = changed.held, version = changed.version,
                taken_back_cents = changed.taken_back
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:balances AS bigint[]), CAST(:held AS bigint[]),
                        CAST(:versions AS bigint[]), CAST(:taken_back AS bigint[]))
                 AS changed (org_id, balance, held, version, taken_back)
            WHERE accounts.org_id = changed.org_id
        )
        SELECT ARRAY(SELECT nextval('entry_ids') FROM generate_series(1, :entries)) AS ids, clock_timestamp() AS at
        """,
        orgs=[one.org_id for one in accounts],
        balances=[one.balance_cents for one in accounts],
        held=[one.held_cents for one in accounts],
        versions=[one.version for one in accounts],
        taken_back=[one.taken_back_cents for one in accounts],
        entries=entries,
    )
    return sorted(row.ids), row.at


async def add_entries(transaction: Transaction, postings: Sequence[Posting], ids: Sequence[int], at: datetime) -> None:
    """Add rows to the ledger."""
    rows = [(id_, *_of_posting(one), at) for id_, one in zip(ids, postings, strict=True)]
    await _add(transaction, "ledger", ("id", *POSTING, "created_at"), rows)


async def add_answers(transaction: Transaction, answers: Mapping[int, Answer], at: datetime) -> None:
    """Remember how requests were answered."""
    rows = [(request_id, answer, at) for request_id, answer in answers.items()]
    await _add(transaction, "requests", ("request_id", "answer", "answered_at"), rows)


async def add_reservations(transaction: Transaction, opened: Collection[Reservation], at: datetime) -> None:
    """Add reservations."""
    rows = [(*_of_reservation(one), at) for one in opened]
    await _add(transaction, "reservations", (*RESERVATION, "changed_at"), rows)


async def close_reservations(transaction: Transaction, closed: Collection[Reservation]) -> None:
    """Move pending reservations to `posted` or `voided`."""
    if closed:
        await transaction.run(
            """
            UPDATE reservations SET status = outcome.status, changed_at = clock_timestamp()
            FROM unnest(CAST(:runs AS bigint[]), CAST(:statuses AS text[])) AS outcome (run_id, status)
            WHERE reservations.run_id = outcome.run_id AND reservations.status = 'pending'
            """,
            runs=[one.run_id for one in closed],
            statuses=[one.status for one in closed],
        )


async def _add(transaction: Transaction, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await transaction.copy(table, columns, rows)
