"""Runs whose completion could not be read: billing's word ends them."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE runs ADD COLUMN end_lost_at timestamptz")
