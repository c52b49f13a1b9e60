"""Accounts, the ledger, reservations, and what was answered."""

from alembic import op

from shared.messaging.tables import MESSAGING_TABLES

revision = "0001"
down_revision = None

TABLES = (
    # The account is the running total of its ledger rows, kept under one row lock for each organisation.
    """
    CREATE TABLE accounts (
        org_id bigint PRIMARY KEY,
        balance_cents bigint NOT NULL DEFAULT 0 CHECK (balance_cents >= 0),
        held_cents bigint NOT NULL DEFAULT 0 CHECK (held_cents >= 0),
        version bigint NOT NULL DEFAULT 0,
        CHECK (held_cents <= balance_cents)
    ) WITH (fillfactor = 50)
    """,
    "CREATE SEQUENCE entry_ids",
    # Double entry: the amount leaves the debit account's counterpart and arrives at the credit account, in one row.
    # (cause, kind) makes every entry unique, however often its event comes.
    """
    CREATE TABLE ledger (
        id bigint PRIMARY KEY,
        org_id bigint NOT NULL REFERENCES accounts,
        cause text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('deposit', 'hold', 'settle', 'release', 'adjustment')),
        debit_account text NOT NULL,
        credit_account text NOT NULL,
        amount_cents bigint NOT NULL CHECK (amount_cents > 0),
        run_id bigint,
        batch_id bigint,
        call_id bigint,
        balance_cents bigint NOT NULL CHECK (balance_cents >= 0),
        held_cents bigint NOT NULL CHECK (held_cents >= 0 AND held_cents <= balance_cents),
        created_at timestamptz NOT NULL,
        UNIQUE (cause, kind),
        CHECK (debit_account <> credit_account)
    )
    """,
    "CREATE INDEX ledger_of_org ON ledger (org_id, id)",
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'ledger rows are only ever added'; END $$
    """,
    """
    CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE VIEW trial_balance AS
    SELECT account, sum(debit_cents) AS debit_cents, sum(credit_cents) AS credit_cents
    FROM (
        SELECT debit_account AS account, amount_cents AS debit_cents, 0 AS credit_cents FROM ledger
        UNION ALL
        SELECT credit_account, 0, amount_cents FROM ledger
    ) AS sides
    GROUP BY account
    """,
    """
    CREATE TABLE requests (
        request_id bigint PRIMARY KEY,
        answer text NOT NULL
            CHECK (answer IN ('reserved', 'insufficient_funds', 'request_expired', 'unreadable_request')),
        answered_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # pending → posted (settled) | voided (released, declined or never held), once.
    """
    CREATE TABLE reservations (
        run_id bigint PRIMARY KEY,
        request_id bigint NOT NULL,
        org_id bigint NOT NULL,
        batch_id bigint,
        status text NOT NULL CHECK (status IN ('pending', 'posted', 'voided')),
        held_cents bigint NOT NULL CHECK (held_cents >= 0),
        tariff_cents_per_minute bigint NOT NULL,
        charge_multiplier integer NOT NULL,
        held_minutes integer NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 80)
    """,
    # Tombstones: a run that ended before its request was heard here. It is never held for.
    """
    CREATE TABLE ended_early (
        run_id bigint PRIMARY KEY,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
)


def upgrade() -> None:
    for statement in (*MESSAGING_TABLES, *TABLES):
        op.execute(statement)
