"""The customer's picture in PostgreSQL, and what is noted of it until a poll ends."""

from collections.abc import Collection, Sequence

from services.api.domain.transitions import Notes
from services.api.edges.db.billing import SqlBilling
from services.api.edges.db.counting import count_batches
from services.api.edges.db.directory import SqlDirectory
from services.api.edges.db.runs import SqlRuns
from shared.db.transaction import Transaction
from shared.events.billing import Account, LedgerEntry


class SqlPicture(SqlDirectory, SqlRuns, SqlBilling):
    """The picture on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.notes = Notes()
        self.accounts: list[tuple[int, Account, Sequence[LedgerEntry]]] = []

    async def count_batches(self, batch_ids: Collection[int]) -> None:
        await count_batches(self._transaction, batch_ids)
