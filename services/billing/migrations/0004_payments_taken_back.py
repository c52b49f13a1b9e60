"""A payment can be taken back, also when it is held or spent already: the balance may then be below zero.

What the tables went on refusing by `held <= balance` they refuse more exactly now: holding what is not there.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    # In the order in which the running service takes them.
    "LOCK TABLE accounts, ledger IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE ledger ADD COLUMN reason text",
    # The rows that are there satisfied more than this: they need not be read under the lock.
    """
    ALTER TABLE ledger
        DROP CONSTRAINT ledger_balance_cents_check,
        DROP CONSTRAINT ledger_check,
        ADD CONSTRAINT ledger_held_cents_check CHECK (held_cents >= 0) NOT VALID,
        ADD CONSTRAINT ledger_holds_what_is_there
            CHECK (kind <> 'hold' OR held_cents <= balance_cents) NOT VALID
    """,
    # taken_back_cents: the sum of all adjustments below zero. Without them held funds never exceed the balance.
    """
    ALTER TABLE accounts
        ADD COLUMN taken_back_cents bigint NOT NULL DEFAULT 0 CHECK (taken_back_cents >= 0),
        DROP CONSTRAINT accounts_balance_cents_check,
        DROP CONSTRAINT accounts_check,
        ADD CONSTRAINT accounts_overdrawn_by_adjustments_alone
            CHECK (held_cents <= balance_cents + taken_back_cents)
    """,
    """
    CREATE FUNCTION refuse_hold() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'only what is there can be held'; END $$
    """,
    """
    CREATE TRIGGER accounts_hold_what_is_there BEFORE UPDATE ON accounts
    FOR EACH ROW WHEN (new.held_cents > old.held_cents AND new.held_cents > new.balance_cents)
    EXECUTE FUNCTION refuse_hold()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
