"""The directory's copies in PostgreSQL. Of two facts about one thing the newer one counts, whichever is heard first."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

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
from shared.events.event import Event
from shared.messaging.messages import Heard, newest

E = TypeVar("E", bound=Event)
ANY_ORG = 0  # of a revocation that names a key and nobody knows whose
Kind = Literal["org", "agent", "phone_number"]


class _Said(NamedTuple):
    """When something was said of a thing: (time, event) is what a fact is compared by."""

    org_id: int
    id: int
    at: datetime
    event_id: str


class SqlDirectory:
    """The directory on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def upsert_orgs(self, heard: Sequence[Heard[OrgUpserted]]) -> None:
        events = await self._newer("org", heard)
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, name, max_concurrent_runs, max_queued_runs, max_queue_seconds)
            SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:names AS text[]), CAST(:slots AS integer[]),
                                 CAST(:queues AS integer[]), CAST(:seconds AS integer[]))
            ON CONFLICT (org_id) DO UPDATE
            SET name = excluded.name, max_concurrent_runs = excluded.max_concurrent_runs,
                max_queued_runs = excluded.max_queued_runs, max_queue_seconds = excluded.max_queue_seconds
            """,
            ids=[event.org_id for event in events],
            names=[event.name for event in events],
            slots=[event.max_concurrent_runs for event in events],
            queues=[event.max_queued_runs for event in events],
            seconds=[event.max_queue_seconds for event in events],
        )

    async def issue_keys(self, heard: Sequence[Heard[ApiKeyIssued]]) -> None:
        # A key may be issued before anything else is told of its organisation, which then has the default limits.
        await self._transaction.run(
            """
            INSERT INTO orgs (org_id, name, max_concurrent_runs, max_queued_runs, max_queue_seconds)
            SELECT id, '', :slots, :queue, :seconds FROM unnest(CAST(:ids AS bigint[])) AS new (id)
            ON CONFLICT DO NOTHING
            """,
            ids=sorted({one.event.org_id for one in heard}),
            slots=DEFAULT_MAX_CONCURRENT_RUNS,
            queue=DEFAULT_MAX_QUEUED_RUNS,
            seconds=DEFAULT_MAX_QUEUE_SECONDS,
        )
        last = sorted(newest(heard, lambda event: (event.org_id, event.key_id)).items())
        await self._transaction.run(
            """
            WITH new AS (
                SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:ats AS timestamptz[]),
                                     CAST(:event_ids AS text[]), CAST(:kinds AS text[]), CAST(:digests AS text[]),
                                     CAST(:hints AS text[]))
                    AS n (org_id, key_id, said_at, said_id, kind, key_sha256, hint)
            ), newer AS (
                INSERT INTO directory_facts AS known (kind, org_id, id, said_at, said_id, gone)
                SELECT 'key', org_id, key_id, said_at, said_id, false FROM new ORDER BY org_id, key_id
                ON CONFLICT (kind, org_id, id) DO UPDATE SET said_at = excluded.said_at, said_id = excluded.said_id
                WHERE (known.said_at, known.said_id) < (excluded.said_at, excluded.said_id)
                RETURNING org_id, id, gone
            )
            INSERT INTO api_keys AS known (org_id, key_id, kind, key_sha256, hint, said_at, said_id, revoked_at)
            SELECT new.org_id, new.key_id, new.kind, new.key_sha256, new.hint, new.said_at, new.said_id,
                   CASE WHEN newer.gone OR EXISTS (
                       SELECT FROM directory_facts AS revoked
                       WHERE revoked.kind = 'key' AND revoked.org_id = :any_org AND revoked.id = new.key_id
                   ) THEN clock_timestamp() END
            FROM new JOIN newer ON newer.org_id = new.org_id AND newer.id = new.key_id
            ON CONFLICT (org_id, key_id) DO UPDATE
            SET kind = excluded.kind, key_sha256 = excluded.key_sha256, hint = excluded.hint,
                said_at = excluded.said_at, said_id = excluded.said_id,
                revoked_at = COALESCE(known.revoked_at, excluded.revoked_at)
            """,
            **_columns([_Said(*key, one.occurred_at, one.event_id) for key, one in last]),
            any_org=ANY_ORG,
            kinds=[one.event.kind for _, one in last],
            digests=[one.event.key_sha256 for _, one in last],
            hints=[one.event.hint for _, one in last],
        )

    async def revoke_keys(self, events: Sequence[ApiKeyRevoked]) -> None:
        # For good, whatever else is said of the key and whenever: it may not even have been issued yet.
        keys = sorted({(event.org_id, event.key_id) for event in events})
        ids = {"orgs": [org_id for org_id, _ in keys], "ids": [key_id for _, key_id in keys]}
        await self._transaction.run(
            """
            INSERT INTO directory_facts (kind, org_id, id, said_at, said_id, gone)
            SELECT 'key', org_id, id, '-infinity', '', true
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[])) AS revoked (org_id, id)
            ON CONFLICT (kind, org_id, id) DO UPDATE SET gone = true
            """,
            **ids,
        )
        await self._transaction.run(
            """
            UPDATE api_keys SET revoked_at = clock_timestamp()
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[])) AS gone (org_id, key_id)
            WHERE api_keys.org_id = gone.org_id AND api_keys.key_id = gone.key_id AND revoked_at IS NULL
            """,
            **ids,
        )

    async def revoke_keys_of_any_org(self, key_ids: Collection[int]) -> None:
        ids = sorted(key_ids)
        await self._transaction.run(
            """
            INSERT INTO directory_facts (kind, org_id, id, said_at, said_id, gone)
            SELECT 'key', :any_org, id, '-infinity', '', true FROM unnest(CAST(:ids AS bigint[])) AS revoked (id)
            ON CONFLICT DO NOTHING
            """,
            any_org=ANY_ORG,
            ids=ids,
        )
        await self._transaction.run(
            """
            UPDATE api_keys SET revoked_at = clock_timestamp()
            WHERE key_id = ANY(CAST(:ids AS bigint[])) AND revoked_at IS NULL
            """,
            ids=ids,
        )

    async def upsert_agents(self, heard: Sequence[Heard[AgentUpserted]]) -> None:
        events = await self._newer("agent", heard)
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
            orgs=[event.org_id for event in events],
            ids=[event.agent_id for event in events],
            names=[event.name for event in events],
            products=[event.product for event in events],
            voices=[event.voice for event in events],
            connections=[event.connection.model_dump_json() for event in events],
        )

    async def delete_agents(self, heard: Sequence[Heard[AgentDeleted]]) -> None:
        gone = await self._newer("agent", heard, gone=True)
        await self._delete("agents", "agent_id", [(event.org_id, event.agent_id) for event in gone])

    async def upsert_numbers(self, heard: Sequence[Heard[PhoneNumberUpserted]]) -> None:
        events = await self._newer("phone_number", heard)
        await self._transaction.run(
            """
            INSERT INTO phone_numbers (org_id, phone_number_id, number, label, inbound_agent_id, outbound_agent_id,
                                       sip_uri)
            SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:numbers AS text[]),
                                 CAST(:labels AS text[]), CAST(:inbound AS bigint[]), CAST(:outbound AS bigint[]),
                                 CAST(:sip_uris AS text[]))
            ON CONFLICT (org_id, phone_number_id) DO UPDATE
            SET number = excluded.number, label = excluded.label, inbound_agent_id = excluded.inbound_agent_id,
                outbound_agent_id = excluded.outbound_agent_id, sip_uri = excluded.sip_uri
            """,
            orgs=[event.org_id for event in events],
            ids=[event.phone_number_id for event in events],
            numbers=[event.number for event in events],
            labels=[event.label for event in events],
            inbound=[event.inbound_agent_id for event in events],
            outbound=[event.outbound_agent_id for event in events],
            sip_uris=[event.sip_uri for event in events],
        )

    async def delete_numbers(self, heard: Sequence[Heard[PhoneNumberDeleted]]) -> None:
        gone = await self._newer("phone_number", heard, gone=True)
        await self._delete(
            "phone_numbers", "phone_number_id", [(event.org_id, event.phone_number_id) for event in gone]
        )

    async def _newer(self, kind: Kind, heard: Sequence[Heard[E]], *, gone: bool = False) -> list[E]:
        """Note facts that are newer than what is known of their things; return them, one for each thing.

        Of two that were said at the same time a deletion counts as newer, then the event whose id is greater. The
        notes are locked in one order, so that two instances never wait in a circle.
        """
        last = newest(heard, _thing(kind))
        rows = await self._transaction.rows(
            """
            INSERT INTO directory_facts AS known (kind, org_id, id, said_at, said_id, gone)
            SELECT :kind, org_id, id, said_at, said_id, :gone
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[]), CAST(:ats AS timestamptz[]),
                        CAST(:event_ids AS text[])) AS new (org_id, id, said_at, said_id)
            ON CONFLICT (kind, org_id, id) DO UPDATE
            SET said_at = excluded.said_at, said_id = excluded.said_id, gone = excluded.gone
            WHERE (known.said_at, known.gone, known.said_id) < (excluded.said_at, excluded.gone, excluded.said_id)
            RETURNING org_id, id
            """,
            kind=kind,
            gone=gone,
            **_columns([_Said(*key, one.occurred_at, one.event_id) for key, one in sorted(last.items())]),
        )
        return [last[row.org_id, row.id].event for row in rows]

    async def _delete(self, table: str, column: str, keys: Sequence[tuple[int, int]]) -> None:
        await self._transaction.run(
            f"""
            DELETE FROM {table} USING unnest(CAST(:orgs AS bigint[]), CAST(:ids AS bigint[])) AS gone (org_id, id)
            WHERE {table}.org_id = gone.org_id AND {table}.{column} = gone.id
            """,  # noqa: S608 - the names are the two above
            orgs=[org_id for org_id, _ in keys],
            ids=[number for _, number in keys],
        )


def _thing(kind: Kind) -> Callable[[Any], tuple[int, int]]:
    column = {"org": "org_id", "agent": "agent_id", "phone_number": "phone_number_id"}[kind]
    return lambda event: (event.org_id, getattr(event, column))


def _columns(said: Sequence[_Said]) -> dict[str, list[object]]:
    return {
        "orgs": [one.org_id for one in said],
        "ids": [one.id for one in said],
        "ats": [one.at for one in said],
        "event_ids": [one.event_id.replace("\x00", "") for one in said],
    }
