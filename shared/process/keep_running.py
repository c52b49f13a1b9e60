"""Parts of a service that must always run: one that falls is started again, and the service is not ready meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.telemetry import logs, metrics

BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_AFTER_SECONDS = 60.0

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a service. `ready` is told by /readyz; what is not `vital` does not make the service unready.

    `complaints` says why a part is not ready, a sentence each, for operators: no contents, no customers.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    ready: Callable[[], bool] = lambda: True
    vital: bool = True
    complaints: Callable[[], Sequence[str]] = tuple


async def keep_running(service: str, components: Sequence[Component]) -> None:
    """Run all components until cancelled."""
    async with asyncio.TaskGroup() as group:
        for component in components:
            group.create_task(_keep(service, component), name=component.name)


async def _keep(service: str, component: Component) -> None:
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        began = loop.time()
        try:
            await component.run()
            log.error("component ended by itself", extra={"component": component.name})
        except Exception as error:
            log.exception("component failed", extra={"component": component.name, "error": logs.error_name(error)})
        if loop.time() - began > STEADY_AFTER_SECONDS:
            failures = 0
        metrics.COMPONENT_RESTARTS.labels(service, component.name).inc()
        await asyncio.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
        failures += 1
