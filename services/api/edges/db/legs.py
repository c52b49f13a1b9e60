"""Inbound legs in PostgreSQL."""

import asyncpg

from services.api.domain.inbound import NoSuchRun, OtherLeg, RunOfLeg
from services.api.usecases.log_inbound_calls import log_inbound_call
from shared.db.database import Database
from shared.db.transaction import Transaction
from shared.hooks.inbound_calls import InboundCall


class SqlLegs:
    """Legs on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def lock_run(self, run_id: int) -> RunOfLeg | None:
        row = await self._transaction.row(
            """
            SELECT id, org_id, agent_id, direction, mode, sip_call_id, completed_at
            FROM runs WHERE id = :run_id FOR NO KEY UPDATE
            """,
            run_id=run_id,
        )
        return RunOfLeg(*row) if row is not None else None

    async def of_call_id(self, sip_call_id: str) -> tuple[int, int] | None:
        row = await self._transaction.row(
            "SELECT call_id, run_id FROM calls WHERE sip_call_id = :sip_call_id", sip_call_id=sip_call_id
        )
        return (row.call_id, row.run_id) if row is not None else None

    async def log(self, run: RunOfLeg, call: InboundCall) -> int:
        """What the agent was is known of the first leg, if that was heard of already; else from the directory."""
        call_id: int = await self._transaction.value(
            """
            INSERT INTO calls (call_id, org_id, run_id, agent_id, direction, from_number, to_number, product, voice,
                               start_time, status, sip_call_id)
            SELECT nextval('inbound_call_ids'), :org_id, :run_id, :agent_id, :direction, :from_number, :to_number,
                   COALESCE(placed.product, agent.product, ''), COALESCE(placed.voice, agent.voice, ''),
                   :invited_at, 'in_progress', :sip_call_id
            FROM (SELECT) AS one
            LEFT JOIN agents AS agent ON agent.org_id = :org_id AND agent.agent_id = :agent_id
            LEFT JOIN calls AS placed ON placed.call_id = (SELECT call_id FROM runs WHERE id = :run_id)
            RETURNING call_id
            """,
            org_id=run.org_id,
            run_id=run.id,
            agent_id=run.agent_id,
            direction=run.agents_direction,
            from_number=call.from_number,
            to_number=call.to_number,
            invited_at=call.invited_at,
            sip_call_id=call.sip_call_id,
        )
        await self._transaction.run(
            "UPDATE runs SET sip_call_id = :call_id, updated_at = clock_timestamp() WHERE id = :run_id",
            call_id=call_id,
            run_id=run.id,
        )
        return call_id


class InboundCalls:
    """Answers the inbound webhook, each call in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def log(self, call: InboundCall) -> int | NoSuchRun | OtherLeg:
        """Return the id of the call log, or why there is none."""
        try:
            async with self._database.transaction() as transaction:
                return await log_inbound_call(SqlLegs(transaction), call)
        except asyncpg.UniqueViolationError:
            return OtherLeg()  # the same Call-ID for another run, at the same moment: no lock keeps those apart
