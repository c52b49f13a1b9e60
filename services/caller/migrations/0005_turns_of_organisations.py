"""Claims go by organisation, the reaper by age; neither walks what the other has to take away. How long calls talked.

The indexes hold what waits now, so that they are small, and built in one look at the table.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    # The first row of each organisation is the one that may be started longest: if that one is overdue, all are.
    """
    CREATE INDEX attempts_waiting_of_org ON attempts (org_id, start_before DESC)
    WHERE lease_token IS NULL AND ended_at IS NULL
    """,
    # Token and expiry are null together. The predicates differ so that each statement has one index to go by: plans are
    # made once, often while the table is empty, when one index looks as good as the other.
    """
    CREATE INDEX attempts_waiting_by_age ON attempts (start_before)
    WHERE lease_expires_at IS NULL AND ended_at IS NULL
    """,
    "DROP INDEX attempts_waiting",
    # The call's own time at the last renewal: what is known of a call whose worker was lost.
    "ALTER TABLE attempts ADD COLUMN talked_ms integer",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
