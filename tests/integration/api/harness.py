"""An API in this process, with what its tests do to it: ask, let it hear, look into its tables."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.types import ASGIApp

from services.api.edges.db.watch import Watch
from shared.db.database import Database
from shared.events.event import Event
from shared.events.requests import TestCallRequested
from tests.integration.api.builders import Org, a_batch, a_call, an_org, new_org
from tests.integration.api.story import Story
from tests.support.ear import Ear
from tests.support.some_events import of

CALLS, BATCHES = "/v1/test-calls", "/v1/test-call-batches"
STORED_IN = ("runs", "batches", "outbox", "idempotency_keys")


class Clock:
    """The key ring's clock; it stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Api:
    """The app, and what stands around it."""

    app: ASGIApp
    client: httpx2.AsyncClient
    database: Database
    ear: Ear
    clock: Clock
    watch: Watch
    kept: list[Event] = field(default_factory=list)

    async def org(self, *, funds_cents: int = 100_000, **limits: int) -> Org:
        """Let the API hear of a new organisation and of its first deposit."""
        org = new_org()
        await self.hear(*an_org(org, **limits), *([org.deposited(funds_cents)] if funds_cents else []))
        return org

    async def hear(self, *events: Event) -> None:
        """Hear events as one poll."""
        self._keep(await self.ear.hear(*events))

    async def hear_garbage(self, event: Event) -> None:
        """Hear a record with an event's headers that nobody can read."""
        self._keep(await self.ear.hear_garbage(event))

    async def get(self, org: Org, path: str, **headers: str) -> httpx2.Response:
        """GET as an organisation."""
        return await self.client.get(path, headers={**org.authorization, **headers})

    async def post(self, org: Org, path: str, body: object, *, key: str | None = None) -> httpx2.Response:
        """POST JSON as an organisation."""
        return await self.client.post(path, json=body, headers=_headers(org, key))

    async def post_raw(
        self, org: Org, path: str, content: bytes | AsyncIterable[bytes], *, key: str | None = None
    ) -> httpx2.Response:
        """POST bytes as they are."""
        return await self.client.post(path, content=content, headers=_headers(org, key))

    async def call(self, org: Org, *, key: str | None = None, **fields: Any) -> httpx2.Response:
        """POST a single run."""
        return await self.post(org, CALLS, a_call(org, **fields), key=key)

    async def batch(self, org: Org, run_count: int, *, key: str | None = None, **fields: Any) -> httpx2.Response:
        """POST a batch."""
        return await self.post(org, BATCHES, a_batch(org, run_count, **fields), key=key)

    async def said(self, org: Org) -> list[TestCallRequested]:
        """Take what was said since this was last asked; return the requests of one organisation."""
        self._keep(await self.ear.said())
        said, self.kept = of(self.kept, TestCallRequested), []
        return [one for one in said if one.org_id == org.org_id]

    def _keep(self, said: Sequence[Event]) -> None:
        self.kept.extend(said)

    async def accepted(self, org: Org, **fields: Any) -> Story:
        """Have a single run accepted; return its story."""
        answer = await self.call(org, **fields)
        return await self._story(org, answer)

    async def paid(self, org: Org, **fields: Any) -> Story:
        """Have a single run accepted and paid for; return its story."""
        story = await self.accepted(org, **fields)
        await self.hear(story.reserved())
        return story

    async def accepted_batch(self, org: Org, run_count: int, **fields: Any) -> Story:
        """Have a batch accepted; return its story."""
        answer = await self.batch(org, run_count, **fields)
        return await self._story(org, answer)

    async def _story(self, org: Org, answer: httpx2.Response) -> Story:
        assert answer.status_code == 201, answer.text
        return Story(org, (await self.said(org))[-1])

    async def run(self, org: Org, run_id: int | str) -> dict[str, Any]:
        """Return a run as its customer sees it."""
        return await self._seen(org, f"{CALLS}/{run_id}")

    async def seen_batch(self, org: Org, batch_id: int | None) -> dict[str, Any]:
        """Return a batch as its customer sees it."""
        return await self._seen(org, f"{BATCHES}/{batch_id}")

    async def seen_call(self, org: Org, call_id: int) -> dict[str, Any]:
        """Return a call log as its customer sees it."""
        return await self._seen(org, f"/v1/calls/{call_id}")

    async def funds(self, org: Org) -> dict[str, Any]:
        """Return an organisation's funds as it sees them."""
        return await self._seen(org, "/v1/billing")

    async def _seen(self, org: Org, path: str) -> dict[str, Any]:
        answer = await self.get(org, path)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def stored(self) -> dict[str, int]:
        """Return how many rows there are of everything that a POST stores."""
        async with self.database.reading() as transaction:
            return {name: await transaction.value(f"SELECT count(*) FROM {name}") for name in STORED_IN}

    @asynccontextmanager
    async def storing_nothing(self) -> AsyncIterator[None]:
        """Fail if anything is stored in this block."""
        before = await self.stored()
        yield
        assert await self.stored() == before, "a refused request has left something behind"

    async def value(self, question: str, **values: Any) -> Any:
        """Ask the API's database."""
        async with self.database.reading() as transaction:
            return await transaction.value(question, **values)

    async def change(self, statement: str, **values: Any) -> None:
        """Change the API's database."""
        async with self.database.transaction() as transaction:
            await transaction.run(statement, **values)


def _headers(org: Org, key: str | None) -> dict[str, str]:
    return {**org.authorization, **({"Idempotency-Key": key} if key is not None else {})}
