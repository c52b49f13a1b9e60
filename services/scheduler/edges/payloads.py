"""What a dispatch has to carry: kept until all runs of its request have ended."""

from collections.abc import Collection, Mapping

from shared.db.transaction import Transaction


async def keep_payloads(transaction: Transaction, payloads: Mapping[int, str]) -> None:
    """Keep requests as they were heard. Idempotent by request."""
    await transaction.run(
        """
        INSERT INTO requests (request_id, payload)
        SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:payloads AS text[])) ON CONFLICT DO NOTHING
        """,
        ids=list(payloads),
        payloads=list(payloads.values()),
    )


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
