"""Where outbox rows go that can't be sent, so that those behind them are."""

from alembic import op

from shared.messaging.tables import ASIDE_TABLES

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in ASIDE_TABLES:
        op.execute(statement)
