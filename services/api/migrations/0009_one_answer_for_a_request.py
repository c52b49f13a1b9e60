"""What waits for billing's answer is a request's: one of its runs carries all of it, the others need no update."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # Null for rows of releases before, each of which waits for its own estimate.
    op.execute("ALTER TABLE runs ADD COLUMN awaited_cents bigint")
