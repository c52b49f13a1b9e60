"""An entry's account is looked for once for each statement, not once for each row: half of an entry's cost was that."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    # In the order in which the running service takes them.
    "LOCK TABLE accounts, ledger IN ACCESS EXCLUSIVE MODE",
    """
    CREATE FUNCTION refuse_entries_without_account() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM added WHERE NOT EXISTS (SELECT FROM billing.accounts AS known WHERE known.org_id = added.org_id)
        ) THEN
            RAISE EXCEPTION 'an entry needs an account';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_has_accounts AFTER INSERT ON ledger REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_entries_without_account()
    """,
    """
    CREATE FUNCTION refuse_to_lose_accounts() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'accounts are there for ever'; END $$
    """,
    """
    CREATE TRIGGER accounts_stay BEFORE UPDATE OF org_id OR DELETE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_lose_accounts()
    """,
    "ALTER TABLE ledger DROP CONSTRAINT ledger_org_id_fkey",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
