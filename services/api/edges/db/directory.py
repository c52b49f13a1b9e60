"""The directory's copies in PostgreSQL."""

from collections.abc import Collection, Sequence

from services.api.edges.db.locking import lock
from shared.db.transaction import Transaction
from shared.events.directory import (
    DEFAULT_MAX_CONCURRENT_RUNS,
    DEFAULT_MAX_QUEUE_SECONDS,
    DEFAULT_MAX_QUEUED_RUNS,
    AgentDeleted,
    AgentUpserted,
    ApiKeyIssued,
    ApiKeyRevoked,
    OrgUpserted,
    PhoneNumberDeleted,
    PhoneNumberUpserted,
)


class SqlDirectory:
    """The directory on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def lock(self, **ids: Collection[int]) -> None:
        await lock(self._transaction, **ids)

    async def upsert_orgs(self, events: Sequence[OrgUpserted]) -> None:
        last = sorted({event.org_id: event for event in events}.items())
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, name, max_concurrent_runs, max_queued_runs, max_queue_seconds)
            SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:names AS text[]), CAST(:slots AS integer[]),
                                 CAST(:queues AS integer[]), CAST(:seconds AS integer[]))
            ON CONFLICT (org_id) DO UPDATE
            SET name = excluded.name, max_concurrent_runs = excluded.max_concurrent_runs,
                max_queued_runs = excluded.max_queued_runs, max_queue_seconds = excluded.max_queue_seconds
            """,
            ids=[org_id for org_id, _ in last],
            names=[event.name for _, event in last],
            slots=[event.max_concurrent_runs for _, event in last],
            queues=[event.max_queued_runs for _, event in last],
            seconds=[event.max_queue_seconds for _, event in last],
        )

    async def issue_keys(self, events: Sequence[ApiKeyIssued]) -> None:
        # A key may be issued before anything else is told of its organisation, which then has the default limits.
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, name, max_concurrent_runs, max_queued_runs, max_queue_seconds)
            SELECT id, '', :slots, :queue, :seconds FROM unnest(CAST(:ids AS bigint[])) AS new (id)
            ON CONFLICT DO NOTHING
            """,
            ids=sorted({event.org_id for event in events}),
            slots=DEFAULT_MAX_CONCURRENT_RUNS,
            queue=DEFAULT_MAX_QUEUED_RUNS,
            seconds=DEFAULT_MAX_QUEUE_SECONDS,
        )
        await self._transaction.run(
            """
            INSERT INTO api_keys (org_id, key_id, kind, key_sha256, hint)
            SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:kinds AS text[]),
                                 CAST(:digests AS text[]), CAST(:hints AS text[]))
            ON CONFLICT DO NOTHING
            """,
            orgs=[event.org_id for event in events],
            ids=[event.key_id for event in events],
            kinds=[event.kind for event in events],
            digests=[event.key_sha256 for event in events],
            hints=[event.hint for event in events],
        )

    async def revoke_keys(self, events: Sequence[ApiKeyRevoked]) -> None:
        await self._transaction.run(
            """
            UPDATE api_keys SET revoked_at = clock_timestamp()
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[])) AS gone (org_id, key_id)
            WHERE api_keys.org_id = gone.org_id AND api_keys.key_id = gone.key_id AND revoked_at IS NULL
            """,
            orgs=[event.org_id for event in events],
            ids=[event.key_id for event in events],
        )

    async def revoke_keys_of_any_org(self, key_ids: Collection[int]) -> None:
        await self._transaction.run(
            """
            UPDATE api_keys SET revoked_at = clock_timestamp()
            WHERE key_id = ANY(CAST(:ids AS bigint[])) AND revoked_at IS NULL
            """,
            ids=sorted(key_ids),
        )

    async def upsert_agents(self, events: Sequence[AgentUpserted]) -> None:
        last = list({(event.org_id, event.agent_id): event for event in events}.values())
        await self._transaction.run(
            """
            INSERT INTO agents (org_id, agent_id, name, product, voice, connection)
            SELECT org_id, agent_id, name, product, voice, CAST(connection AS jsonb)
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:names AS text[]),
                        CAST(:products AS text[]), CAST(:voices AS text[]), CAST(:connections AS text[]))
                 AS new (org_id, agent_id, name, product, voice, connection)
            ON CONFLICT (org_id, agent_id) DO UPDATE
            SET name = excluded.name, product = excluded.product, voice = excluded.voice,
                connection = excluded.connection
            """,
            orgs=[event.org_id for event in last],
            ids=[event.agent_id for event in last],
            names=[event.name for event in last],
            products=[event.product for event in last],
            voices=[event.voice for event in last],
            connections=[event.connection.model_dump_json() for event in last],
        )

    async def delete_agents(self, events: Sequence[AgentDeleted]) -> None:
        await self._delete("agents", "agent_id", [(event.org_id, event.agent_id) for event in events])

    async def upsert_numbers(self, events: Sequence[PhoneNumberUpserted]) -> None:
        last = list({(event.org_id, event.phone_number_id): event for event in events}.values())
        await self._transaction.run(
            """
            INSERT INTO phone_numbers (org_id, phone_number_id, number, label, inbound_agent_id, outbound_agent_id)
            SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:numbers AS text[]),
                                 CAST(:labels AS text[]), CAST(:inbound AS bigint[]), CAST(:outbound AS bigint[]))
            ON CONFLICT (org_id, phone_number_id) DO UPDATE
            SET number = excluded.number, label = excluded.label, inbound_agent_id = excluded.inbound_agent_id,
                outbound_agent_id = excluded.outbound_agent_id
            """,
            orgs=[event.org_id for event in last],
            ids=[event.phone_number_id for event in last],
            numbers=[event.number for event in last],
            labels=[event.label for event in last],
            inbound=[event.inbound_agent_id for event in last],
            outbound=[event.outbound_agent_id for event in last],
        )

    async def delete_numbers(self, events: Sequence[PhoneNumberDeleted]) -> None:
        await self._delete("phone_numbers", "phone_number_id", [(one.org_id, one.phone_number_id) for one in events])

    async def _delete(self, table: str, column: str, keys: Sequence[tuple[int, int]]) -> None:
        await self._transaction.run(
            f"""
            DELETE FROM {table} USING unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[])) AS gone (org_id, id)
            WHERE {table}.org_id = gone.org_id AND {table}.{column} = gone.id
            """,  # noqa: S608 - the names are the two above
            orgs=[org_id for org_id, _ in keys],
            ids=[number for _, number in keys],
        )
