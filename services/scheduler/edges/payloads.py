"""What a dispatch has to carry goes when all runs of its request have ended."""

from collections.abc import Collection

from shared.db.transaction import Transaction


async def forget_payloads(transaction: Transaction, request_ids: Collection[int]) -> None:
    """Delete the payloads of requests of which no run is left."""
    if request_ids:
        await transaction.run(
            """
            DELETE FROM requests WHERE request_id = ANY(CAST(:ids AS bigint[])) AND NOT EXISTS (
                SELECT FROM runs WHERE runs.request_id = requests.request_id AND status <> 'ended'
            )
            """,
            ids=list(request_ids),
        )
