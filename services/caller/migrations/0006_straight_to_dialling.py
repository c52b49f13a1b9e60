"""The dispatch of what a worker has taken is in its memory alone; a run writes to fewer indexes."""

from alembic import op

revision = "0006"
down_revision = "0005"

# Workers of before go on beside it: they still keep the dispatch of what they have claimed.
# NOT VALID: what is there fulfils the older, narrower rule, and nobody has to wait while it is read.
STATEMENTS = (
    "ALTER TABLE attempts DROP CONSTRAINT attempts_check4",
    """
    ALTER TABLE attempts ADD CONSTRAINT attempts_dispatch_check
    CHECK (status NOT IN ('waiting', 'claimed') OR dispatch IS NOT NULL) NOT VALID
    """,
    # The numbers come from a sequence, and nobody asks for an attempt by its call.
    "ALTER TABLE attempts DROP CONSTRAINT attempts_call_id_key",
    # The cleaner goes by the primary key.
    "DROP INDEX attempts_ended",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
