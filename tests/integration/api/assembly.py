"""The API put together as its composition root does it, without Kafka and without a port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2

from services.api.domain.asking import Answer, Asked
from services.api.domain.pricing import DEFAULT_PRODUCT, Pricing
from services.api.edges.db.admission import Admission
from services.api.edges.db.cancels import Canceling
from services.api.edges.db.key_ring import KeyRing
from services.api.edges.db.legs import InboundCalls
from services.api.edges.db.pools import open_pools
from services.api.edges.db.reads import SqlReads
from services.api.edges.db.watch import Watch, turns_of_waits
from services.api.edges.http.app import create_app
from services.api.edges.http.posting import view_bytes
from services.api.edges.recordings.links import Links
from services.api.edges.recordings.shelf import Shelf
from services.api.wiring import LISTENER
from shared.db.database import Database
from shared.db.group_commit import GroupCommit
from shared.process.ops import Readiness
from shared.recordings.store import RecordingStore
from tests.integration.api.harness import Api, Clock
from tests.support.ear import Ear, an_ear

HOOK_SECRET = b"what only callers and API know"
LINKS = Links(b"what only instances of the API know", "http://api.test", seconds=600)
FRIENDLY_ORIGIN = "https://app.example.com"
PRICING = Pricing({DEFAULT_PRODUCT: 8, "premium": 25}, charge_multiplier=2, held_minutes=1)


async def an_api_ear(database: Database, *, partition: int = 0) -> Ear:
    """An ear of the API, on a partition of its own."""
    return await an_ear("api", database, LISTENER, partition=partition)


@asynccontextmanager
async def an_api(
    database_url: str, *, partition: int = 0, offers_sip: bool = False, store: RecordingStore | None = None
) -> AsyncIterator[Api]:
    """Put an instance together."""
    pools = open_pools(database_url)
    database = pools.work
    clock = Clock()
    ear = await an_api_ear(database, partition=partition)
    admission = GroupCommit[Asked, Answer](Admission(database, ear.outbox, PRICING, view_bytes).answer)
    watch = Watch(pools.waits, SqlReads(pools.waits, LINKS.to, turns_of_waits()))
    app = create_app(
        submit=admission.submit,
        reads=SqlReads(pools.reads, LINKS.to),
        org_of=KeyRing(pools.keys, clock).org_of,
        readiness=lambda: Readiness(ready=True, parts={}),
        cors_origins=(FRIENDLY_ORIGIN,),
        offers_sip=offers_sip,
        log_inbound_call=InboundCalls(database).log,
        hook_secret=HOOK_SECRET if offers_sip else None,
        shelf=Shelf(store, LINKS),
        waits=watch,
        cancel=Canceling(database, ear.outbox).cancel,
    )
    serving = asyncio.gather(admission.run(), watch.run())
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api.test")
    try:
        async with client:
            yield Api(app, client, database, ear, clock, watch)
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await pools.dispose()
