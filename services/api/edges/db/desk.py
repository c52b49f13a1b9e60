"""Admission's tables in PostgreSQL: every method is one or two set-based statements."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.api.domain.admission import Room, Target
from services.api.domain.asking import Asked, IdempotencyKey
from services.api.domain.views import BatchView, RunView
from services.api.ports import KeyOfOrg
from shared.db.transaction import Transaction

KEY_LIFETIME_HOURS = 24

# In the order of the rows below.
_RUN = (
    *("org_id", "request_id", "id", "batch_id", "target_type", "target_id", "target_name", "agent_id", "agent_name"),
    *("direction", "target_number", "mode", "scenario_prompt", "metadata", "charge_multiplier"),
    *("estimated_cost_cents", "funds_answered", "awaited_cents", "created_at", "updated_at"),
    *("conditions", "recording"),
)
_BATCH = (
    *("org_id", "request_id", "id", "name", "target_type", "target_id", "direction", "target_number", "mode"),
    *("scenario_prompts", "stagger_seconds", "run_count", "estimated_minutes", "estimated_cost_cents"),
    *("charge_multiplier", "created_at", "updated_at", "conditions", "recording", "parent_batch_id"),
)


class SqlDesk:
    """Admission's tables on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def lock_keys(self, keys: Sequence[KeyOfOrg]) -> frozenset[KeyOfOrg]:
        numbers = {_lock_number(key): key for key in keys}
        rows = await self._transaction.rows(
            """
            SELECT number, pg_try_advisory_xact_lock(number) AS locked
            FROM unnest(CAST(:numbers AS bigint[])) AS key (number)
            """,
            numbers=sorted(numbers),
        )
        return frozenset(numbers[row.number] for row in rows if row.locked)

    async def stored_answers(self, keys: Collection[KeyOfOrg]) -> dict[KeyOfOrg, tuple[bytes, int, bytes]]:
        rows = await self._transaction.rows(
            """
            SELECT org_id, key, fingerprint, status, body
            FROM idempotency_keys
            JOIN unnest(CAST(:orgs AS bigint[]), CAST(:keys AS text[])) AS asked (org_id, key) USING (org_id, key)
            WHERE created_at > now() - make_interval(hours => :hours)
            """,
            orgs=[org_id for org_id, _ in keys],
            keys=[key for _, key in keys],
            hours=KEY_LIFETIME_HOURS,
        )
        return {(row.org_id, row.key): (row.fingerprint, row.status, row.body) for row in rows}

    async def find_targets(self, asked: Sequence[Asked]) -> list[Target | None]:
        rows = await self._transaction.rows(
            """
            SELECT asked.nth,
                   COALESCE(number.label, agent.name) AS target_name, agent.agent_id,
                   COALESCE(agent.name, '') AS agent_name, COALESCE(number.number, '') AS agent_number,
                   COALESCE(agent.product, '') AS product, COALESCE(agent.voice, '') AS voice,
                   COALESCE(CAST(agent.connection AS text), '') AS connection,
                   COALESCE(agent.connection ->> 'kind', '') AS kind, number.sip_uri
            FROM unnest(CAST(:orgs AS bigint[]), CAST(:types AS text[]), CAST(:targets AS bigint[]),
                        CAST(:directions AS text[])) WITH ORDINALITY AS asked (org_id, type, target_id, direction, nth)
            LEFT JOIN phone_numbers AS number
                ON asked.type = 'phone_number' AND number.org_id = asked.org_id
               AND number.phone_number_id = asked.target_id
            LEFT JOIN agents AS agent
                ON agent.org_id = asked.org_id
               AND agent.agent_id = CASE
                       WHEN asked.type = 'agent' THEN asked.target_id
                       WHEN asked.direction = 'outbound' THEN number.inbound_agent_id
                       ELSE number.outbound_agent_id
                   END
            WHERE number.phone_number_id IS NOT NULL OR (asked.type = 'agent' AND agent.agent_id IS NOT NULL)
            """,
            orgs=[one.org_id for one in asked],
            types=[one.target_type for one in asked],
            targets=[one.target_id for one in asked],
            directions=[one.direction for one in asked],
        )
        found = {row.nth: Target(*row[1:]) for row in rows}
        return [found.get(nth) for nth in range(1, len(asked) + 1)]

    async def rooms(self, org_ids: Collection[int]) -> tuple[dict[int, Room], datetime]:
        ids = sorted(org_ids)
        await self._transaction.run(
            "SELECT FROM orgs WHERE org_id = ANY(CAST(:ids AS bigint[])) ORDER BY org_id FOR UPDATE", ids=ids
        )
        # A statement of its own: its snapshot is younger than the locks.
        rows = await self._transaction.rows(
            """
            SELECT orgs.org_id, max_concurrent_runs, max_queued_runs,
                   COALESCE(balance_cents - held_cents, 0) - COALESCE(unanswered_cents, 0) AS available_cents,
                   COALESCE(active_runs, 0) AS active_runs, COALESCE(queued_runs, 0) AS queued_runs,
                   clock_timestamp() AS at
            FROM orgs LEFT JOIN funds USING (org_id) LEFT JOIN open_runs USING (org_id)
            WHERE orgs.org_id = ANY(CAST(:ids AS bigint[]))
            """,
            ids=ids,
        )
        return {row.org_id: Room(*row[:6]) for row in rows}, rows[0].at

    async def numbers(self, *, requests: int, batches: int, runs: int) -> tuple[list[int], list[int], list[int]]:
        row = await self._transaction.row(
            """
            SELECT ARRAY(SELECT nextval('request_ids') FROM generate_series(1, :requests)),
                   ARRAY(SELECT nextval('batch_ids') FROM generate_series(1, :batches)),
                   ARRAY(SELECT nextval('run_ids') FROM generate_series(1, :runs))
            """,
            requests=requests,
            batches=batches,
            runs=runs,
        )
        if row is None:
            raise RuntimeError("no ids were given")
        return sorted(row[0]), sorted(row[1]), sorted(row[2])

    async def add_batches(self, batches: Sequence[tuple[int, int, BatchView]]) -> None:
        if not batches:
            return
        rows = [
            (
                org_id,
                request_id,
                view.id,
                view.name,
                view.target_type,
                view.target_id,
                view.direction,
                view.target_number,
                view.mode,
                json.dumps(view.scenario_prompts, ensure_ascii=False),
                view.stagger_seconds,
                view.run_count,
                view.estimated_minutes,
                view.estimated_cost_cents,
                view.charge_multiplier,
                view.created_at,
                view.created_at,
                _json(view.conditions),
                view.recording,
                view.parent_batch_id,
            )
            for org_id, request_id, view in batches
        ]
        await self._transaction.copy("batches", _BATCH, rows)

    async def add_runs(self, runs: Sequence[tuple[int, int, RunView]]) -> None:
        """Add runs. The first of each request waits for billing's answer to all of them."""
        awaited: dict[int, int] = {}
        for _, request_id, view in runs:
            awaited[request_id] = awaited.get(request_id, 0) + view.estimated_cost_cents
        rows = [
            (
                org_id,
                request_id,
                view.id,
                view.batch_id,
                view.target_type,
                view.target_id,
                view.target_name,
                view.agent_id,
                view.agent_name,
                view.direction,
                view.target_number,
                view.mode,
                view.scenario_prompt,
                json.dumps(view.metadata, ensure_ascii=False),
                view.charge_multiplier,
                view.estimated_cost_cents,
                request_id not in awaited,
                awaited.pop(request_id, 0),
                view.created_at,
                view.created_at,
                _json(view.conditions),
                view.recording,
            )
            for org_id, request_id, view in runs
        ]
        await self._transaction.copy("runs", _RUN, rows)

    async def store_answers(self, answers: Sequence[tuple[int, IdempotencyKey, int, bytes]]) -> None:
        if not answers:
            return
        await self._transaction.run(
            """
            INSERT INTO idempotency_keys (org_id, key, fingerprint, status, body)
            SELECT * FROM unnest(CAST(:orgs AS bigint[]), CAST(:keys AS text[]), CAST(:fingerprints AS bytea[]),
                                 CAST(:statuses AS integer[]), CAST(:bodies AS bytea[]))
            ON CONFLICT (org_id, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,
                created_at = clock_timestamp()
            """,
            orgs=[org_id for org_id, _, _, _ in answers],
            keys=[idempotency.key for _, idempotency, _, _ in answers],
            fingerprints=[idempotency.fingerprint for _, idempotency, _, _ in answers],
            statuses=[status for _, _, status, _ in answers],
            bodies=[body for _, _, _, body in answers],
        )


def _json(conditions: dict[str, Any] | None) -> str | None:
    return None if conditions is None else json.dumps(conditions)


def _lock_number(key: KeyOfOrg) -> int:
    """Return a 64-bit number for an advisory lock. Two keys with one number would only refuse each other."""
    org_id, name = key
    return int.from_bytes(sha256(f"{org_id}\n{name}".encode()).digest()[:8], "big", signed=True)
