"""The caller's composition root: the only module that knows every other."""

from collections.abc import Callable, Sequence

from services.caller.domain.limits import SOUND_CALL_WEIGHT
from services.caller.edges.calls.hook import InboundWebhook
from services.caller.edges.calls.inbound import Announce, announced_to_nobody
from services.caller.edges.calls.keeping import RenderedRecordings, StoredRecordings
from services.caller.edges.calls.spoken import ChosenCalls
from services.caller.edges.calls.telephony import Telephony
from services.caller.edges.calls.weighing import Weighing
from services.caller.edges.db.arriving import Arriving
from services.caller.edges.db.cleaner import CLEAN_EVERY_SECONDS, clean_once
from services.caller.edges.db.stages import GroupedStages
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.endpoints.pools import Network, Pools
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.kafka import HEARS
from services.caller.edges.media.render import Voices
from services.caller.edges.parties.choose import ChosenParties
from services.caller.edges.recordings.keeping import Recordings
from services.caller.edges.recordings.rendering import Renderings
from services.caller.edges.recordings.scores import Scores
from services.caller.edges.recordings.spool import Spool
from services.caller.edges.room import Room
from services.caller.edges.secrets import Secrets
from services.caller.edges.speech.endpoint import speech_over
from services.caller.edges.taking import Taking
from services.caller.edges.worker import Worker
from services.caller.settings import CallerSettings
from services.caller.usecases.accept_dispatches import give_up_unreadable
from shared.db.cleaning import clean_for_ever
from shared.db.database import Database
from shared.hooks.signing import read_secret
from shared.messaging.messages import Say
from shared.messaging.station import Listener, open_station
from shared.process.keep_running import Component
from shared.process.open_files import files_for
from shared.process.service import Service
from shared.telemetry import logs

FILES_OF_A_CALL = 2  # both sides of a call may sit behind endpoints

log = logs.logger(__name__)


def listener(taking: Callable[[], Taking]) -> Listener:
    """Return what the caller does with what it hears. `taking` is asked for once a poll has come.

    A poll locks nothing before it adds attempts: what another instance hears too waits for its partition's position.
    """
    return Listener(HEARS, lambda transaction: Arriving(transaction, taking()), give_up_unreadable, None)


async def wire(settings: CallerSettings) -> Service:
    """Put the caller together."""
    database = Database(settings.database_url, schema="caller")
    leases_database = Database(settings.database_url, schema="caller", pool_connections=1)
    proxies = Proxies.from_environment(settings.agent_proxy)
    network = Network(settings.address_policy, proxies, trusted(settings.agent_ca_file))
    wanted = settings.calls_per_process * FILES_OF_A_CALL
    if (there_are := files_for(wanted)) < wanted:
        log.warning("too few open files for all calls", extra={"wanted": wanted, "there_are": there_are})
    pools = Pools(network, calls_limit=settings.calls_per_process)
    secrets = Secrets(settings.agent_secret_prefixes, settings.secrets_folder)
    parties = ChosenParties(
        secrets,
        HttpAsks(pools),
        settings.bot_connection,
        settings.reply_limit_seconds,
    )

    async def say(says: Sequence[Say]) -> None:
        async with database.transaction() as transaction:
            await station.outbox.write(transaction, says)

    spool_folder = settings.spool_folder
    recordings = Recordings(settings.open_recordings(), Spool(spool_folder) if spool_folder is not None else None, say)
    speech = speech_over(pools, settings.speech_endpoint) if settings.speech_endpoint is not None else None
    renderings = Renderings(
        Scores(spool_folder) if spool_folder is not None else None,
        recordings,
        speech,
        Voices(bot=settings.speech_tts_voice, agent=settings.speech_agent_voice),
    )
    telephony = None
    if speech is not None:
        telephony = Telephony(
            settings.lines,
            network=network,
            secrets=secrets,
            parties=parties,
            speech=speech,
            voices={"bot": settings.speech_tts_voice, "agent": settings.speech_agent_voice},
            keeps=StoredRecordings(recordings),
            renders=RenderedRecordings(renderings),
            announce=_announce(settings, pools),
            calls_limit=settings.calls_per_process,
        )
        await telephony.start()
    calls = telephony.calls if telephony is not None else ChosenCalls(parties, None, {})
    station = open_station(
        service="caller", settings=settings, database=database, listener=listener(lambda: worker.taking)
    )
    stages = GroupedStages(database, station.outbox)
    worker = Worker(
        database=database,
        leases_database=leases_database,
        outbox=station.outbox,
        stages=stages,
        calls=calls,
        speed=settings.call_speed,
        calls_limit=settings.calls_per_process,
        drain_seconds=settings.drain_seconds,
        weigh=Weighing(SOUND_CALL_WEIGHT) if telephony is not None else None,
    )

    room = Room(
        database, station.outbox, calls_limit=lambda: worker.taking.calls_limit, calls_up=lambda: len(worker.held)
    )

    async def drain() -> None:
        await room.close()
        await worker.draining.drain()
        await station.flush()

    async def close() -> None:
        if telephony is not None:
            await telephony.aclose()
        if speech is not None:
            await speech.aclose()
        await pools.aclose()
        await leases_database.dispose()
        await database.dispose()

    components = (
        *station.components,
        Component("stages", stages.run),
        Component("room", room.announce_for_ever),
        Component("claims", worker.claims.claim_for_ever),
        Component("leases", worker.leases.keep_for_ever),
        Component("reaper", worker.reaper.reap_for_ever),
        Component("recordings", recordings.send_for_ever, vital=False),
        Component("renderings", renderings.render_for_ever, vital=False),
        Component("endpoints", pools.close_idle_for_ever, vital=False),
        Component(
            "cleaner",
            lambda: clean_for_ever(database, clean_once, every_seconds=CLEAN_EVERY_SECONDS),
            vital=False,
        ),
    )
    if telephony is not None:
        components = (
            *components,
            Component("media_clock", telephony.run_clock),
            Component("calibration", telephony.calibrate_for_ever, vital=False),
        )
    return Service("caller", components, close, drain, worker.draining.waits_for, worker.draining.hurry)


def _announce(settings: CallerSettings, pools: Pools) -> Announce:
    if not settings.inbound_webhook_url:
        return announced_to_nobody
    return InboundWebhook(HttpAsks(pools), settings.inbound_webhook_url, read_secret(settings.inbound_webhook_secret))
