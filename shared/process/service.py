"""Runs one service as a process: logs, traces, components, the operators' port, and an orderly end on SIGTERM."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop

from shared.process.draining import NOTHING, Wait
from shared.process.keep_running import Component, keep_running
from shared.process.ops import Readiness, ops_app, ops_server
from shared.settings.service import ServiceSettings
from shared.telemetry import logs, metrics, tracing

# For what a service does after it has waited: hang up, publish what is committed, close.
STOP_SECONDS = 20.0
COLLECT_AFTER_OBJECTS = 50_000

log = logs.logger(__name__)


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Service:
    """A service, wired. `drain` is awaited on SIGTERM while the components still run (a caller ends its calls).

    `waits_for` says for what and how long at most; after `hurry` it waits no longer.
    """

    name: str
    components: Sequence[Component]
    close: Callable[[], Awaitable[None]]
    drain: Callable[[], Awaitable[None]] = field(default=_nothing)
    waits_for: Callable[[], Wait] = field(default=lambda: NOTHING)
    hurry: Callable[[], None] = field(default=lambda: None)

    def readiness(self, *, draining: bool = False) -> Readiness:
        """Tell of each part whether it is ready, to whoever asks and to the metrics. Who drains wants no more work."""
        parts = {component.name: component.ready() for component in self.components}
        for name, ready in parts.items():
            metrics.COMPONENT_READY.labels(self.name, name).set(ready)
        return Readiness(
            not draining and all(parts[component.name] for component in self.components if component.vital),
            parts,
            {component.name: component.complaints() for component in self.components},
            self.waits_for() if draining else None,
        )


def run_service(name: str, settings: ServiceSettings, wire: Callable[[], Awaitable[Service]]) -> None:
    """Run a service until SIGTERM or SIGINT."""
    logs.configure(service=name, level=settings.log_level)
    tracing.configure(service=name, exporter=settings.traces_exporter, file=settings.traces_file)
    uvloop.run(_run(settings, wire))


def _leave_what_stays_alone() -> None:
    """Keep the garbage collector from walking over modules and models again and again: they live as long as we do.

    Batches make thousands of short-lived objects, so that the default threshold of 700 collects all the time
    (figures: docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS)


async def _run(settings: ServiceSettings, wire: Callable[[], Awaitable[Service]]) -> None:
    loop = asyncio.get_running_loop()
    stopping, hurrying = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (hurrying if stopping.is_set() else stopping).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    service = await wire()
    _leave_what_stays_alone()
    ops = ops_server(
        ops_app(lambda: service.readiness(draining=stopping.is_set())), settings.ops_host, settings.ops_port
    )
    operators = asyncio.create_task(ops.serve(), name="ops")
    work = asyncio.create_task(keep_running(service.name, service.components), name="components")
    log.info("started", extra={"ops_port": settings.ops_port})
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiting, operators, work], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    await _drain(service, hurrying)
    failed = operators.done() or work.done()
    work.cancel()
    with suppress(asyncio.CancelledError, TimeoutError, BaseExceptionGroup):
        async with asyncio.timeout(STOP_SECONDS):
            await work
    await service.close()
    ops.should_exit = True
    with suppress(SystemExit):
        await operators
    waiting.cancel()
    if failed and not stopping.is_set():
        raise SystemExit(f"{service.name} could not go on: see its log")


async def _drain(service: Service, hurrying: asyncio.Event) -> None:
    """Let the service end what goes on, for as long as it says that it takes; told to stop twice, it hurries."""

    async def hurry() -> None:
        await hurrying.wait()
        service.hurry()

    hurry_up = asyncio.create_task(hurry())
    draining = asyncio.ensure_future(service.drain())
    while True:
        done, _ = await asyncio.wait({draining}, timeout=service.waits_for().at_most_seconds + STOP_SECONDS)
        if done or not service.waits_for().at_most_seconds:  # more may have come to it meanwhile
            break
    hurry_up.cancel()
    if not done:
        draining.cancel()
        log.error("not drained in time")
    elif error := draining.exception():
        log.error("not drained", extra={"error": logs.error_name(error)})
