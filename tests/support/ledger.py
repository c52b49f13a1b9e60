"""What must be true of billing's own tables at any moment."""

from shared.db.database import Database

# By how much a row changes the balance.
CHANGE = """
    CASE WHEN kind = 'settle' OR credit_account = 'cash' THEN -amount_cents
         WHEN kind IN ('deposit', 'adjustment') THEN amount_cents ELSE 0 END
"""
ALWAYS = {
    "debits equal credits": "SELECT coalesce(sum(debit_cents) = sum(credit_cents), true) FROM trial_balance",
    "each account is the sum of its ledger": f"""
        SELECT coalesce(bool_and(balance_cents = coalesce(total, 0) AND held_cents = coalesce(held, 0)), true)
        FROM accounts LEFT JOIN (
            SELECT org_id,
                   sum({CHANGE}) AS total,
                   sum(CASE WHEN kind = 'hold' THEN amount_cents
                            WHEN kind IN ('settle', 'release') THEN -amount_cents ELSE 0 END) AS held
            FROM ledger GROUP BY org_id
        ) AS sums USING (org_id)
    """,
    "what is held is the sum of the pending reservations": """
        SELECT coalesce(bool_and(accounts.held_cents = coalesce(pending, 0)), true)
        FROM accounts LEFT JOIN (
            SELECT org_id, sum(held_cents) AS pending FROM reservations WHERE status = 'pending' GROUP BY org_id
        ) AS sums USING (org_id)
    """,
    "of a closed reservation, hold = settle + release": """
        SELECT coalesce(bool_and(held = let_go), true) FROM (
            SELECT sum(amount_cents) FILTER (WHERE kind = 'hold') AS held,
                   sum(amount_cents) FILTER (WHERE kind IN ('settle', 'release')) AS let_go
            FROM ledger JOIN reservations USING (run_id) WHERE status <> 'pending' GROUP BY run_id
        ) AS run
    """,
    "entries are numbered in the order of each account's history": f"""
        SELECT coalesce(bool_and(balance_cents = balance_before + change), true) FROM (
            SELECT balance_cents,
                   lag(balance_cents, 1, 0::bigint) OVER (PARTITION BY org_id ORDER BY id) AS balance_before,
                   {CHANGE} AS change
            FROM ledger
        ) AS rows
    """,
}


async def assert_the_ledger_is_sound(database: Database) -> None:
    """Ask every question."""
    async with database.reading() as transaction:
        for what, question in ALWAYS.items():
            assert await transaction.value(question), f"not so: {what}"
