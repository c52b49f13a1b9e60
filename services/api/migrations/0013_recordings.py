"""What lies in the store of recordings."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = (
    # What lies in the store, or may come to lie there. A row that is settled is not told otherwise any more; one that
    # is doomed is shown no more, and goes when its objects are gone.
    """
    CREATE TABLE recordings (
        call_id bigint PRIMARY KEY,
        org_id bigint NOT NULL,
        mode text NOT NULL CHECK (mode IN ('recording', 'recording_failed_before_capture')),
        name text,
        peaks_name text,
        is_stored boolean NOT NULL,
        is_settled boolean NOT NULL,
        size_bytes bigint NOT NULL,
        duration_ms bigint NOT NULL,
        started_at timestamptz,
        heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        doomed_at timestamptz,
        CHECK (NOT is_stored OR (is_settled AND name IS NOT NULL))
    )
    """,
    "CREATE INDEX recordings_by_age ON recordings (heard_at)",
    "CREATE INDEX recordings_doomed ON recordings (doomed_at) WHERE doomed_at IS NOT NULL",
    "CREATE INDEX recordings_unsettled ON recordings (heard_at) WHERE NOT is_settled",
    "CREATE INDEX recordings_by_name ON recordings (name) WHERE name IS NOT NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
