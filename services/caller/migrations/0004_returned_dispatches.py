"""Dispatches that no worker had room for go back: their attempts wait for a later dispatch."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATUSES = "'waiting', 'claimed', 'dialling', 'started', 'completed', 'failed', 'returned'"

# waiting → returned (never dialled; the scheduler has the run again) → waiting, by a later dispatch only.
# NOT VALID: what is there fulfils the older, narrower rule, and nobody has to wait while it is read.
STATEMENTS = (
    # Null: dispatched by a scheduler that takes nothing back.
    "ALTER TABLE attempts ADD COLUMN dispatch_no integer",
    """
    ALTER TABLE attempts DROP CONSTRAINT attempts_status_check, DROP CONSTRAINT attempts_check3
    """,
    f"ALTER TABLE attempts ADD CONSTRAINT attempts_status_check CHECK (status IN ({STATUSES})) NOT VALID",
    """
    ALTER TABLE attempts ADD CONSTRAINT attempts_over_check
    CHECK ((status IN ('completed', 'failed', 'returned')) = (ended_at IS NOT NULL)) NOT VALID
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
