"""Workers and the room they have announced; dispatches that come back."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    # How often the run was dispatched. dispatched → queued when a dispatch was returned.
    "ALTER TABLE runs ADD COLUMN dispatch_no integer NOT NULL DEFAULT 0",
    # A worker counts as long as it was heard of lately. calls_up matters when it takes no more: what it holds is
    # dispatched, and takes nobody else's room.
    """
    CREATE TABLE workers (
        worker_id text PRIMARY KEY,
        calls_limit integer NOT NULL CHECK (calls_limit >= 0),
        calls_up integer NOT NULL CHECK (calls_up >= 0),
        announced_at timestamptz NOT NULL,
        heard_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)
    """,
    # A tick adds up what is dispatched: over the organisations that have something up, not over all.
    "CREATE INDEX orgs_in_use ON orgs (org_id) INCLUDE (in_use) WHERE in_use > 0",
    # The time of what waits for its predecessor runs from when it is due, from now on.
    """
    UPDATE runs
    SET expires_at = runs.requested_at + make_interval(secs => (position + 1) * CAST(max_queue_seconds AS bigint)
                                                               + position * (stagger_seconds + 120))
    FROM orgs
    WHERE orgs.org_id = runs.org_id AND due_at IS NULL AND status IN ('waiting_funds', 'queued')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
