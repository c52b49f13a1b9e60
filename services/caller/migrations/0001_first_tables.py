"""Attempts: one for each run, with the lease of the worker that has it."""

from alembic import op

from shared.messaging.tables import MESSAGING_TABLES

revision = "0001"
down_revision = None

TABLES = (
    # Odd numbers; the API gives even ones to calls that come in by its webhook.
    "CREATE SEQUENCE call_ids START 1 INCREMENT 2",
    # waiting → claimed (has a lease) → dialling (the first packet may be out) → started → completed | failed.
    # claimed → waiting when a lease ran out before dialling; anything → failed.
    """
    CREATE TABLE attempts (
        run_id bigint PRIMARY KEY,
        org_id bigint,
        batch_id bigint,
        call_id bigint NOT NULL UNIQUE DEFAULT nextval('call_ids'),
        status text NOT NULL
            CHECK (status IN ('waiting', 'claimed', 'dialling', 'started', 'completed', 'failed')),
        dispatch text,
        traceparent text,
        start_before timestamptz NOT NULL,
        lease_token uuid,
        lease_expires_at timestamptz,
        started_at timestamptz,
        ended_at timestamptz,
        heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK ((status IN ('claimed', 'dialling', 'started')) = (lease_token IS NOT NULL)),
        CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
        CHECK (status <> 'started' OR started_at IS NOT NULL),
        CHECK ((status IN ('completed', 'failed')) = (ended_at IS NOT NULL)),
        CHECK (status NOT IN ('waiting', 'claimed', 'dialling', 'started') OR dispatch IS NOT NULL)
    ) WITH (fillfactor = 50)
    """,
    # What waits has no lease and no end. Not by status: dialling and starting then change no indexed column, and
    # PostgreSQL updates the row in place.
    "CREATE INDEX attempts_waiting ON attempts (heard_at) WHERE lease_token IS NULL AND ended_at IS NULL",
    "CREATE INDEX attempts_leased ON attempts (lease_expires_at) WHERE lease_expires_at IS NOT NULL",
    "CREATE INDEX attempts_ended ON attempts (ended_at) WHERE ended_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in (*MESSAGING_TABLES, *TABLES):
        op.execute(statement)
