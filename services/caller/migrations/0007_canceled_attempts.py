"""Attempts that are to be canceled: whoever holds one sees it when it renews its lease."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE attempts ADD COLUMN canceled_at timestamptz")
