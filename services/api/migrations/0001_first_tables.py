"""What the API knows: the directory as heard, funds as heard, and test calls as the customer sees them."""

from alembic import op

from shared.messaging.tables import MESSAGING_TABLES

revision = "0001"
down_revision = None

DIRECTORY = (
    """
    CREATE TABLE orgs (
        org_id bigint PRIMARY KEY,
        name text NOT NULL,
        max_concurrent_runs integer NOT NULL CHECK (max_concurrent_runs >= 0),
        max_queued_runs integer NOT NULL CHECK (max_queued_runs >= 0),
        max_queue_seconds integer NOT NULL CHECK (max_queue_seconds > 0)
    )
    """,
    """
    CREATE TABLE api_keys (
        org_id bigint NOT NULL,
        key_id bigint NOT NULL,
        kind text NOT NULL CHECK (kind IN ('secret', 'publishable')),
        key_sha256 text NOT NULL UNIQUE,
        hint text NOT NULL,
        revoked_at timestamptz,
        PRIMARY KEY (org_id, key_id)
    )
    """,
    """
    CREATE TABLE agents (
        org_id bigint NOT NULL,
        agent_id bigint NOT NULL,
        name text NOT NULL,
        product text NOT NULL,
        voice text NOT NULL,
        connection jsonb NOT NULL,
        PRIMARY KEY (org_id, agent_id)
    )
    """,
    """
    CREATE TABLE phone_numbers (
        org_id bigint NOT NULL,
        phone_number_id bigint NOT NULL,
        number text NOT NULL,
        label text NOT NULL,
        inbound_agent_id bigint,
        outbound_agent_id bigint,
        PRIMARY KEY (org_id, phone_number_id)
    )
    """,
)

MONEY = (
    # The account as billing last told it; an event with an older version changes nothing.
    """
    CREATE TABLE funds (
        org_id bigint PRIMARY KEY,
        balance_cents bigint NOT NULL CHECK (balance_cents >= 0),
        held_cents bigint NOT NULL CHECK (held_cents >= 0),
        version bigint NOT NULL,
        heard_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE ledger_entries (
        entry_id bigint PRIMARY KEY,
        org_id bigint NOT NULL,
        run_id bigint,
        batch_id bigint,
        call_id bigint,
        kind text NOT NULL CHECK (kind IN ('deposit', 'hold', 'settle', 'release', 'adjustment')),
        amount_cents bigint NOT NULL CHECK (amount_cents > 0 OR (kind = 'adjustment' AND amount_cents <> 0)),
        balance_cents bigint NOT NULL,
        held_cents bigint NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ledger_entries_of_org ON ledger_entries (org_id, entry_id DESC)",
    "CREATE INDEX ledger_entries_of_run ON ledger_entries (run_id) WHERE run_id IS NOT NULL",
)

TEST_CALLS = (
    "CREATE SEQUENCE request_ids",
    "CREATE SEQUENCE batch_ids",
    "CREATE SEQUENCE run_ids",
    """
    CREATE TABLE batches (
        id bigint PRIMARY KEY,
        org_id bigint NOT NULL,
        request_id bigint NOT NULL UNIQUE,
        name text NOT NULL,
        target_type text NOT NULL CHECK (target_type IN ('agent', 'phone_number')),
        target_id bigint NOT NULL,
        direction text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
        target_number text NOT NULL,
        mode text NOT NULL CHECK (mode IN ('bot', 'sip')),
        scenario_prompts jsonb NOT NULL,
        stagger_seconds integer NOT NULL CHECK (stagger_seconds BETWEEN 0 AND 60),
        run_count integer NOT NULL CHECK (run_count BETWEEN 1 AND 20),
        estimated_minutes integer NOT NULL,
        estimated_cost_cents bigint NOT NULL,
        charge_multiplier integer NOT NULL,
        status text NOT NULL DEFAULT 'in_progress' CHECK (status IN ('in_progress', 'completed', 'failed')),
        completed_runs integer NOT NULL DEFAULT 0,
        failed_runs integer NOT NULL DEFAULT 0,
        error_message text NOT NULL DEFAULT '',
        started_at timestamptz,
        completed_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CHECK (completed_runs + failed_runs <= run_count),
        CHECK ((status = 'in_progress') = (completed_at IS NULL))
    )
    """,
    "CREATE INDEX batches_of_org ON batches (org_id, id DESC)",
    """
    CREATE TABLE runs (
        id bigint PRIMARY KEY,
        org_id bigint NOT NULL,
        request_id bigint NOT NULL,
        batch_id bigint REFERENCES batches,
        target_type text NOT NULL CHECK (target_type IN ('agent', 'phone_number')),
        target_id bigint NOT NULL,
        target_name text NOT NULL,
        agent_id bigint NOT NULL,
        agent_name text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
        target_number text NOT NULL,
        mode text NOT NULL CHECK (mode IN ('bot', 'sip')),
        scenario_prompt text NOT NULL,
        metadata json NOT NULL DEFAULT '{}',  -- json, not jsonb: it is echoed as it came, keys in their order
        status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'in_progress', 'completed', 'failed')),
        charge_multiplier integer NOT NULL,
        estimated_cost_cents bigint NOT NULL,
        -- False until billing has answered the request: so long its estimate counts against the available funds.
        funds_answered boolean NOT NULL DEFAULT false,
        call_id bigint,
        sip_call_id bigint,
        error_message text NOT NULL DEFAULT '',
        duration_seconds integer,
        started_at timestamptz,
        completed_at timestamptz,
        billed_at timestamptz,
        billed_cents bigint,
        billable_minutes integer,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CHECK ((status IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
        CHECK ((status = 'failed') = (error_message <> '')),
        CHECK (status <> 'completed' OR call_id IS NOT NULL)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX runs_of_org ON runs (org_id, id DESC)",
    "CREATE INDEX runs_of_batch ON runs (batch_id, id) WHERE batch_id IS NOT NULL",
    "CREATE INDEX runs_of_request ON runs (request_id)",
    # What admission counts: small whatever the history. By completed_at, not by status: a start then changes no
    # indexed column, and PostgreSQL updates the row in place.
    "CREATE INDEX runs_open_of_org ON runs (org_id) WHERE completed_at IS NULL",
    "CREATE INDEX runs_unanswered_of_org ON runs (org_id) WHERE NOT funds_answered",
    """
    CREATE TABLE calls (
        call_id bigint PRIMARY KEY,
        org_id bigint NOT NULL,
        run_id bigint NOT NULL REFERENCES runs,
        agent_id bigint,
        direction text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
        from_number text NOT NULL,
        to_number text NOT NULL,
        product text NOT NULL,
        voice text NOT NULL,
        start_time timestamptz NOT NULL,
        end_time timestamptz,
        duration_seconds integer,
        status text NOT NULL CHECK (status IN ('in_progress', 'completed', 'failed')),
        end_reason text CHECK (end_reason IN ('caller_hangup', 'agent_end', 'transfer', 'timeout', 'error')),
        transcript jsonb NOT NULL DEFAULT '[]',
        CHECK ((status = 'in_progress') = (end_time IS NULL))
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX calls_of_org ON calls (org_id, call_id DESC)",
    "CREATE INDEX calls_of_run ON calls (run_id)",
)

IDEMPOTENCY = (
    """
    CREATE TABLE idempotency_keys (
        org_id bigint NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        status integer NOT NULL,
        body bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (org_id, key)
    )
    """,
    "CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)",
)


def upgrade() -> None:
    for statement in (*MESSAGING_TABLES, *DIRECTORY, *MONEY, *TEST_CALLS, *IDEMPOTENCY):
        op.execute(statement)
