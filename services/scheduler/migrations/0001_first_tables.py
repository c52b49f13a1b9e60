"""The queue, the slots and the stagger clocks."""

from alembic import op

from shared.messaging.tables import MESSAGING_TABLES

revision = "0001"
down_revision = None

TABLES = (
    # in_use counts the dispatched runs. next_due_at is not later than the first due run that waits (null: none waits),
    # so that a tick finds the organisations with work without looking at any queue.
    """
    CREATE TABLE orgs (
        org_id bigint PRIMARY KEY,
        max_concurrent_runs integer NOT NULL CHECK (max_concurrent_runs >= 0),
        max_queue_seconds integer NOT NULL CHECK (max_queue_seconds > 0),
        in_use integer NOT NULL DEFAULT 0 CHECK (in_use >= 0),
        next_due_at timestamptz,
        served_at timestamptz NOT NULL DEFAULT '-infinity'
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE INDEX orgs_with_work ON orgs (next_due_at)
    WHERE next_due_at IS NOT NULL AND in_use < max_concurrent_runs
    """,
    # What a dispatch has to carry, kept until all runs of the request have ended.
    """
    CREATE TABLE requests (
        request_id bigint PRIMARY KEY,
        payload text NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # waiting_funds → queued (funds are held) → dispatched (has a slot) → ended; each may end directly.
    """
    CREATE TABLE runs (
        run_id bigint PRIMARY KEY,
        org_id bigint NOT NULL REFERENCES orgs,
        request_id bigint NOT NULL,
        batch_id bigint,
        position integer NOT NULL,
        prompt_index integer NOT NULL,
        stagger_seconds integer NOT NULL,
        status text NOT NULL CHECK (status IN ('waiting_funds', 'queued', 'dispatched', 'ended')),
        due_at timestamptz,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        dispatched_at timestamptz,
        started_at timestamptz,
        ended_at timestamptz,
        traceparent text,
        CHECK ((status = 'ended') = (ended_at IS NOT NULL)),
        CHECK (status <> 'dispatched' OR dispatched_at IS NOT NULL)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX runs_queued ON runs (org_id, due_at) WHERE status = 'queued' AND due_at IS NOT NULL",
    "CREATE INDEX runs_expiring ON runs (expires_at) WHERE status IN ('waiting_funds', 'queued')",
    "CREATE INDEX runs_of_request ON runs (request_id)",
    "CREATE UNIQUE INDEX runs_of_batch ON runs (batch_id, position) WHERE batch_id IS NOT NULL",
    "CREATE INDEX runs_ended ON runs (ended_at) WHERE status = 'ended'",
    # Billing's answer, when it was heard before the request.
    """
    CREATE TABLE funds_stubs (
        request_id bigint PRIMARY KEY,
        reserved boolean NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # A run whose end was heard before its request: only after a rebuild.
    """
    CREATE TABLE ended_early (
        run_id bigint PRIMARY KEY,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
)


def upgrade() -> None:
    for statement in (*MESSAGING_TABLES, *TABLES):
        op.execute(statement)
