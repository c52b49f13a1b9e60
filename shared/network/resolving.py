"""Looks names up, for several customers at once: one whose names hang holds up nobody else's."""

import asyncio
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

LOOKUP_LIMIT_SECONDS = 5.0
KEPT_SECONDS = 60.0
MAX_KEPT_NAMES = 10_000
MAX_LOOKUPS = 64
MAX_LOOKUPS_OF_TENANT = 8

Lookup = Callable[[str], tuple[str, ...]]
Name = tuple[int | None, str]  # whose, and which


class NameUnknown(Exception):  # noqa: N818
    """The name has no address, as far as could be found out in time."""


def system_lookup(host: str) -> tuple[str, ...]:
    """Ask the system's resolver, which reads numbers in all their spellings as well. Raises OSError, ValueError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


class Resolver:
    """Looks names up in threads of its own: the loop's are few, and a name that hangs would take them from everybody.

    What was found is kept for `KEPT_SECONDS`, so that a call looks its name up once.
    """

    def __init__(self, lookup: Lookup = system_lookup, *, limit_seconds: float = LOOKUP_LIMIT_SECONDS) -> None:
        self._lookup = lookup
        self._limit_seconds = limit_seconds
        self._room = asyncio.Semaphore(MAX_LOOKUPS)
        self._rooms: WeakValueDictionary[int | None, asyncio.Semaphore] = WeakValueDictionary()
        self._running: dict[Name, asyncio.Task[tuple[str, ...]]] = {}
        self._kept: OrderedDict[Name, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def addresses(self, host: str, tenant: int | None) -> tuple[str, ...]:
        """Return a name's addresses. Raises NameUnknown."""
        name = (tenant, host)
        until, found = self._kept.get(name, (0.0, ()))
        if time.monotonic() < until:
            return found
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = asyncio.create_task(self._find(name), name="name lookup")
            running.add_done_callback(lambda task: self._found(name, task))
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await asyncio.shield(running)
        except (OSError, ValueError, TimeoutError):
            raise NameUnknown from None

    def forget(self, host: str, tenant: int | None) -> None:
        """Look a name up anew the next time: nobody was there."""
        self._kept.pop((tenant, host), None)

    async def _find(self, name: Name) -> tuple[str, ...]:
        tenant, host = name
        room = self._rooms.get(tenant)
        if room is None:
            room = self._rooms[tenant] = asyncio.Semaphore(MAX_LOOKUPS_OF_TENANT)
        async with room, self._room:
            return await _in_thread(self._lookup, host)

    def _found(self, name: Name, task: asyncio.Task[tuple[str, ...]]) -> None:
        del self._running[name]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[name] = (time.monotonic() + KEPT_SECONDS, task.result())
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_KEPT_NAMES:
            self._kept.popitem(last=False)


async def _in_thread(lookup: Lookup, host: str) -> tuple[str, ...]:
    """Run a lookup in a thread that the process does not wait for at its end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def settle(found: tuple[str, ...] | Exception) -> None:
        if done.done():
            return
        if isinstance(found, Exception):
            done.set_exception(found)
        else:
            done.set_result(found)

    def work() -> None:
        try:
            found: tuple[str, ...] | Exception = lookup(host)
        except Exception as error:  # goes to whoever asked
            found = error
        try:
            loop.call_soon_threadsafe(settle, found)
        except RuntimeError:
            return  # the loop is gone, and nobody waits

    threading.Thread(target=work, name="name lookup", daemon=True).start()
    return await done
