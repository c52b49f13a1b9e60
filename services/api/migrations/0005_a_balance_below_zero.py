"""A balance may be below zero: a payment that was spent can be taken back. Billing alone says what it is."""

from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE funds DROP CONSTRAINT funds_balance_cents_check")
