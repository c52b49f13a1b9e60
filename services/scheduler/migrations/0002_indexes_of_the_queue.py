"""Indexes in the two orders in which a queue is served: a tick reads what it dispatches, not the queue."""

from alembic import op

revision = "0002"
down_revision = "0001"

INDEXES = (
    "DROP INDEX runs_queued",
    """
    CREATE INDEX runs_staggered ON runs (org_id, due_at)
    WHERE status = 'queued' AND due_at IS NOT NULL AND stagger_seconds > 0
    """,
    """
    CREATE INDEX runs_in_turn ON runs (org_id, (batch_id IS NOT NULL), position, requested_at, run_id)
    WHERE status = 'queued' AND due_at IS NOT NULL
    """,
    """
    CREATE INDEX runs_of_batches_by_age ON runs (org_id, requested_at, position)
    WHERE status = 'queued' AND due_at IS NOT NULL AND batch_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in INDEXES:
        op.execute(statement)
