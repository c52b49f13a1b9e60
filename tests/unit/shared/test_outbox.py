"""Who publishes is told at once: this process's relay with the commit, another instance's by NOTIFY."""

from typing import Any, cast

import pytest

from shared.db.transaction import Outcome, Transaction
from shared.events.envelope import Sealed
from shared.messaging.handover import Row
from shared.messaging.outbox import Outbox

SEALED = Sealed("t", b"1", b"{}", [("ce_id", b"x")])


class Statements:
    """A transaction that notes what it is asked to run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.witnesses: list[Any] = []

    async def run(self, statement: str, **values: object) -> int:
        self.ran.append(statement)
        return 1

    async def rows(self, statement: str, **values: object) -> list[tuple[int]]:
        self.ran.append(statement)
        return [(7,)]

    def around_commit(self, begins: Any) -> None:
        self.witnesses.append(begins)


class Publishing:
    """A relay that notes what it is to get ready for."""

    channel = "c"

    def __init__(self, *, leads: bool) -> None:
        self.leads = leads
        self.asked: list[Row] = []

    def is_leading(self) -> bool:
        return self.leads

    def commit_asked(self, rows: Any) -> Outcome:
        self.asked.extend(rows)
        return lambda surely: None


@pytest.mark.parametrize(("leads", "notified"), [(True, False), (False, True)])
async def test_another_instance_is_notified_only_if_it_leads(leads: bool, notified: bool) -> None:
    statements, relay = Statements(), Publishing(leads=leads)
    await Outbox(relay).write_sealed(cast(Transaction, statements), [SEALED])
    assert any("pg_notify" in statement for statement in statements.ran) == notified


async def test_the_relay_gets_the_rows_as_they_were_written_when_their_commit_is_asked_for_and_not_before() -> None:
    statements, relay = Statements(), Publishing(leads=True)
    await Outbox(relay).write_sealed(cast(Transaction, statements), [SEALED])
    assert relay.asked == []
    (begins,) = statements.witnesses
    begins()
    assert relay.asked == [Row(7, *SEALED)]
