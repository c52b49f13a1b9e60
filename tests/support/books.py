"""What must be true of the books, whatever happened."""

from tests.support.system import Org, System

QUESTIONS = {
    "the ledger's debits and credits are equal": """
        SELECT sum(debit_cents) = sum(credit_cents) FROM billing.trial_balance
    """,
    "every cause has each kind once": """
        SELECT count(*) = count(DISTINCT (cause, kind)) FROM billing.ledger
    """,
    "for every run: hold = settle + release": """
        SELECT coalesce(bool_and(held = let_go), true) FROM (
            SELECT run_id, sum(amount_cents) FILTER (WHERE kind = 'hold') AS held,
                   sum(amount_cents) FILTER (WHERE kind IN ('settle', 'release')) AS let_go
            FROM billing.ledger WHERE run_id IS NOT NULL GROUP BY run_id
        ) AS run
    """,
    "every account is the sum of its ledger": """
        SELECT coalesce(bool_and(balance_cents = total AND held_cents = 0), true) FROM billing.accounts JOIN (
            SELECT org_id, sum(CASE kind WHEN 'deposit' THEN amount_cents WHEN 'settle' THEN -amount_cents ELSE 0 END)
                   AS total
            FROM billing.ledger GROUP BY org_id
        ) AS sums USING (org_id)
    """,
    "a completed run is charged, a failed one is not": """
        SELECT coalesce(bool_and((runs.status = 'completed') = (settled IS NOT NULL)), true)
        FROM api.runs LEFT JOIN (
            SELECT run_id, sum(amount_cents) AS settled FROM billing.ledger WHERE kind = 'settle' GROUP BY run_id
        ) AS charged ON charged.run_id = runs.id
    """,
    "no reservation is pending": "SELECT count(*) = 0 FROM billing.reservations WHERE status = 'pending'",
    "no slot is taken": "SELECT coalesce(sum(in_use), 0) = 0 FROM scheduler.orgs",
    "no run waits": "SELECT count(*) = 0 FROM scheduler.runs WHERE status <> 'ended'",
    "no attempt is open": "SELECT count(*) = 0 FROM caller.attempts WHERE ended_at IS NULL",
    "every run is billed": "SELECT count(*) = 0 FROM api.runs WHERE billed_at IS NULL AND call_id IS NOT NULL",
}


async def assert_the_books_balance(system: System, org: Org) -> None:
    """Ask every question; the organisation's own view has to agree."""
    for what, question in QUESTIONS.items():
        ((true,),) = await system.rows(question)
        assert true, f"not so: {what}"
    funds = (await system.get(org, "/v1/billing")).json()
    entries = (await system.get(org, "/v1/billing/entries?limit=200")).json()
    assert entries["total"] <= 200
    signs = {"deposit": 1, "settle": -1}
    assert funds["balance_cents"] == sum(
        signs.get(entry["kind"], 0) * entry["amount_cents"] for entry in entries["results"]
    )
    assert funds["held_cents"] == 0
