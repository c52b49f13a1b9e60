"""Group admission: POSTs that wait for each other are admitted together, in one transaction."""

from collections.abc import Callable, Sequence

from services.api import metrics
from services.api.domain.asking import Accepted, Answer, Asked
from services.api.domain.pricing import Pricing
from services.api.domain.views import BatchView, RunView
from services.api.edges.db.desk import SqlDesk
from services.api.usecases.accept_test_calls import accept_test_calls
from shared.db.database import Database
from shared.messaging.outbox import Outbox


class Admission:
    """Answers groups of requests. The answers are true when they are given: the commit came first."""

    def __init__(
        self, database: Database, outbox: Outbox, pricing: Pricing, write: Callable[[RunView | BatchView], bytes]
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._pricing = pricing
        self._write = write

    async def answer(self, asked: Sequence[Asked]) -> Sequence[Answer]:
        """Answer a group in one transaction."""
        async with self._database.transaction() as transaction:
            answers, says = await accept_test_calls(
                SqlDesk(transaction), asked, pricing=self._pricing, write=self._write
            )
            await self._outbox.write(transaction, says)
        for one, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Accepted):
                metrics.RUNS_ACCEPTED.inc(one.run_count)
        return answers
