"""Calls with sound: what was asked of them, what was measured, recorded, and the second leg of those over SIP."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    "ALTER TABLE phone_numbers ADD COLUMN sip_uri text",
    "ALTER TABLE batches ADD COLUMN conditions json, ADD COLUMN recording boolean NOT NULL DEFAULT false",
    "ALTER TABLE runs ADD COLUMN conditions json, ADD COLUMN recording boolean NOT NULL DEFAULT false",
    # Null: nothing is known of it. `sip_call_id` is the Call-ID of the INVITE that the inbound webhook told of.
    """
    ALTER TABLE calls
        ADD COLUMN figures json,
        ADD COLUMN sip_answered_at timestamptz,
        ADD COLUMN sip_call_id text,
        ADD COLUMN recording_mode text,
        ADD COLUMN recording_started_at timestamptz
    """,
    # Even numbers; the caller gives odd ones.
    "CREATE SEQUENCE inbound_call_ids START 2 INCREMENT 2",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
