"""The API's composition root: the only module that knows every other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from services.api.domain.asking import Answer, Asked
from services.api.edges.db.admission import Admission
from services.api.edges.db.cancels import Canceling
from services.api.edges.db.cleaner import CLEAN_EVERY_SECONDS, clean_once
from services.api.edges.db.key_ring import KeyRing
from services.api.edges.db.legs import InboundCalls
from services.api.edges.db.picture import SqlPicture
from services.api.edges.db.pools import open_pools
from services.api.edges.db.reads import SqlReads
from services.api.edges.db.watch import Watch, turns_of_waits
from services.api.edges.http.app import create_app
from services.api.edges.http.posting import view_bytes
from services.api.edges.http.server import ApiServer
from services.api.edges.kafka import HEARS
from services.api.edges.recordings.shelf import Shelf
from services.api.edges.recordings.tidying import tidy_for_ever
from services.api.settings import ApiSettings
from services.api.usecases.conclude_picture import conclude_picture
from services.api.usecases.give_up_unreadable import give_up_unreadable
from shared.db.cleaning import clean_for_ever
from shared.db.group_commit import GroupCommit
from shared.messaging.messages import DeadLetter, Say
from shared.messaging.station import Listener, open_station
from shared.process.keep_running import Component
from shared.process.ops import Readiness
from shared.process.service import Service

PICTURE_GATHERED_SECONDS = 0.1


async def _on_dead_letters(picture: SqlPicture, letters: Sequence[DeadLetter]) -> Sequence[Say]:
    return await give_up_unreadable(picture, letters, now=datetime.now(UTC))


# Nobody waits for the picture: a poll that is gathered a little longer says more of each run, which is written once.
LISTENER = Listener(
    HEARS,
    SqlPicture,
    _on_dead_letters,
    lock_first=None,  # the conclusion locks what it writes, in one order
    conclude=conclude_picture,
    gather_seconds=PICTURE_GATHERED_SECONDS,
)


async def wire(settings: ApiSettings) -> Service:
    """Put the API together."""
    pools = open_pools(settings.database_url)
    database = pools.work
    station = open_station(service="api", settings=settings, database=database, listener=LISTENER)
    admission = GroupCommit[Asked, Answer](Admission(database, station.outbox, settings.pricing, view_bytes).answer)
    links, store = settings.links, settings.open_recordings()
    watch = Watch(pools.waits, SqlReads(pools.waits, links.to, turns_of_waits()))
    service: Service | None = None

    def readiness() -> Readiness:
        return service.readiness() if service is not None else Readiness(ready=False, parts={})

    app = create_app(
        submit=admission.submit,
        reads=SqlReads(pools.reads, links.to),
        org_of=KeyRing(pools.keys).org_of,
        readiness=readiness,
        cors_origins=settings.cors_origins,
        offers_sip=settings.sip_calls,
        log_inbound_call=InboundCalls(database).log,
        hook_secret=settings.hook_secret,
        shelf=Shelf(store, links),
        waits=watch,
        cancel=Canceling(database, station.outbox).cancel,
    )
    server = ApiServer(app, settings.api_host, settings.api_port)
    components = (
        Component("http", server.run, server.ready),
        Component("admission", admission.run),
        Component("watch", watch.run, vital=False),
        # The API accepts and shows while Kafka is away: what it says waits in the outbox.
        *(replace(component, vital=False) for component in station.components),
        Component("recordings", partial(tidy_for_ever, database, store, settings.recordings_kept_days), vital=False),
        Component(
            "cleaner",
            lambda: clean_for_ever(
                database,
                partial(clean_once, runs_kept_days=settings.runs_kept_days),
                every_seconds=CLEAN_EVERY_SECONDS,
            ),
            vital=False,
        ),
    )

    async def drain() -> None:
        watch.release()
        await server.drain()
        await station.flush()

    service = Service("api", components, pools.dispose, drain)
    return service
