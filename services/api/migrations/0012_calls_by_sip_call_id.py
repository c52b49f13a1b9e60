"""One call log for each Call-ID that the inbound webhook tells of. Built beside the running services."""

from shared.db.concurrently import create_index_concurrently

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    create_index_concurrently("calls_by_sip_call_id", "calls (sip_call_id) WHERE sip_call_id IS NOT NULL", unique=True)
