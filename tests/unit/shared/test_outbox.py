"""Who publishes is told at once: this process's relay after the commit, another instance's by NOTIFY."""

from typing import Any, cast

import pytest

from shared.db.transaction import Transaction
from shared.events.envelope import Sealed
from shared.messaging.outbox import Outbox


class Statements:
    """A transaction that notes what it is asked to run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.after: list[Any] = []

    async def run(self, statement: str, **values: object) -> int:
        self.ran.append(statement)
        return 1

    def after_commit(self, wake: Any) -> None:
        self.after.append(wake)


@pytest.mark.parametrize(("leads", "notified"), [(True, False), (False, True)])
async def test_another_instance_is_notified_only_if_it_leads(leads: bool, notified: bool) -> None:
    def poke() -> None:
        """Wake the relay."""

    statements = Statements()
    outbox = Outbox(poke=poke, is_leading=lambda: leads, channel="c")
    await outbox.write_sealed(cast(Transaction, statements), [Sealed("t", b"1", b"{}", [])])
    assert any("pg_notify" in statement for statement in statements.ran) == notified
    assert statements.after == [poke]
