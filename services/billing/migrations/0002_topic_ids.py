"""Which topic an offset belongs to: one that was deleted and made again is noticed."""

from alembic import op

from shared.messaging.tables import TOPIC_IDS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(TOPIC_IDS)
