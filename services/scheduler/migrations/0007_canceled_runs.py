"""Runs that are to be canceled: one that is dispatched and comes back is not dispatched again."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE runs ADD COLUMN canceled_at timestamptz")
