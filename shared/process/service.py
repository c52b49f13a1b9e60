"""Runs one service as a process: logs, traces, components, the operators' port, and an orderly end on SIGTERM."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop

from shared.process.keep_running import Component, keep_running
from shared.process.ops import Readiness, ops_app, ops_server
from shared.settings.service import ServiceSettings
from shared.telemetry import logs, metrics, tracing

STOP_SECONDS = 20.0
COLLECT_AFTER_OBJECTS = 50_000

log = logs.logger(__name__)


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Service:
    """A service, wired. `drain` is awaited on SIGTERM while the components still run (a caller ends its calls)."""

    name: str
    components: Sequence[Component]
    close: Callable[[], Awaitable[None]]
    drain: Callable[[], Awaitable[None]] = field(default=_nothing)

    def readiness(self) -> Readiness:
        """Tell of each part whether it is ready, to whoever asks and to the metrics."""
        parts = {component.name: component.ready() for component in self.components}
        for name, ready in parts.items():
            metrics.COMPONENT_READY.labels(self.name, name).set(ready)
        return Readiness(
            all(parts[component.name] for component in self.components if component.vital),
            parts,
            {component.name: component.complaints() for component in self.components},
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
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service = await wire()
    _leave_what_stays_alone()
    ops = ops_server(ops_app(service.readiness), settings.ops_host, settings.ops_port)
    operators = asyncio.create_task(ops.serve(), name="ops")
    work = asyncio.create_task(keep_running(service.name, service.components), name="components")
    log.info("started", extra={"ops_port": settings.ops_port})
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiting, operators, work], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await service.drain()
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
