"""When an organisation's limits were said, so that the newer ones win in whatever order they are heard."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE orgs
            ADD COLUMN limits_said_at timestamptz NOT NULL DEFAULT '-infinity',
            ADD COLUMN limits_said_id text NOT NULL DEFAULT ''
        """
    )
