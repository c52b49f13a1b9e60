"""Runs that were asked to end, and batches that run another one's failed runs again."""

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN cancel_requested_at timestamptz",
    "ALTER TABLE batches ADD COLUMN parent_batch_id bigint",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
