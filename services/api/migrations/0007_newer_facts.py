"""When each fact of the directory was said, so that the newer one wins in whatever order they are heard."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = (
    # One row for each thing that the directory ever named, kept as long as the topic is: for ever. `gone` is the
    # tombstone of what was deleted or revoked, so that an older word does not bring it back.
    """
    CREATE TABLE directory_facts (
        kind text NOT NULL CHECK (kind IN ('org', 'key', 'agent', 'phone_number')),
        org_id bigint NOT NULL,
        id bigint NOT NULL,
        said_at timestamptz NOT NULL,
        said_id text NOT NULL,
        gone boolean NOT NULL,
        PRIMARY KEY (kind, org_id, id)
    )
    """,
    # Of two keys with one digest the one that was issued first counts, and which that is must not depend on the order
    # in which they are heard: so both are kept.
    """
    ALTER TABLE api_keys
        ADD COLUMN said_at timestamptz NOT NULL DEFAULT '-infinity',
        ADD COLUMN said_id text NOT NULL DEFAULT ''
    """,
    "CREATE INDEX api_keys_by_digest ON api_keys (key_sha256, said_at, said_id, org_id, key_id)",
    "ALTER TABLE api_keys DROP CONSTRAINT api_keys_key_sha256_key",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
