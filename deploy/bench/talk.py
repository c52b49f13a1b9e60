"""`python -m deploy.bench.talk`: what the talk of a text run costs the caller, without the pipeline around it."""

import asyncio
import time
from itertools import cycle

import psutil
import uvloop

from deploy.bench.far_end import MODEL, FarEnd, a_far_end
from deploy.bench.measures import quantile
from deploy.bench.rig import ORGS
from deploy.bench.text_calls import FASTEST
from deploy.local.settings import LOOPBACK
from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Call
from services.caller.domain.limits import REPLY_LIMIT_SECONDS, CallLimits
from services.caller.domain.turn import Side
from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.endpoints.pools import Network, Pools
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.parties.chat.shapes import KnownShapes
from services.caller.edges.parties.openai_chat import Endpoint, OpenAIParty
from shared.network.addresses import AddressPolicy, read_networks

PARTS = ((1, 20), (16, 20), (200, 5))  # so many clients, so many calls of each
CALLS_LIMIT = 500


async def _talk(asks: HttpAsks, known: KnownShapes, far_end: FarEnd, org_id: int) -> float:
    """Hold one call; return how long it took, in ms."""

    def party(side: Side, of: int | None) -> OpenAIParty:
        endpoint = Endpoint(far_end.base_url, MODEL, "", of)
        return OpenAIParty(side, endpoint, "", asks=asks, known=known, limit_seconds=REPLY_LIMIT_SECONDS)

    began = time.monotonic()
    call = Call("agent", CallLimits.for_held_minutes(1), CallClock(float(FASTEST), lambda: True))
    await call.place(bot=party("bot", None), agent=party("agent", org_id))
    held = await call.hold()
    if held.end_reason != "agent_end":
        raise RuntimeError(f"a call ended otherwise: {held.end_reason}")
    return (time.monotonic() - began) * 1_000


async def _measure(far_end: FarEnd, at_once: int, runs_of_each: int) -> None:
    network = Network(AddressPolicy(read_networks(LOOPBACK)), Proxies({}), trusted())
    pools, known, process = Pools(network, calls_limit=CALLS_LIMIT), KnownShapes(), psutil.Process(far_end.pid)
    closing = asyncio.create_task(pools.close_idle_for_ever())
    orgs = cycle(range(1, ORGS + 1))

    async def client() -> list[float]:
        return [await _talk(HttpAsks(pools), known, far_end, next(orgs)) for _ in range(runs_of_each)]

    await asyncio.gather(*(_talk(HttpAsks(pools), known, far_end, next(orgs)) for _ in range(at_once)))  # warm up
    there, here, began = _cpu_seconds(process), time.process_time(), time.monotonic()
    waits = sorted(wait for waits in await asyncio.gather(*(client() for _ in range(at_once))) for wait in waits)
    seconds = time.monotonic() - began
    here, there = time.process_time() - here, _cpu_seconds(process) - there
    print(
        f"{at_once} at once: CPU µs a run: caller {here / len(waits) * 1e6:.0f}, "
        f"far end {there / len(waits) * 1e6:.0f}; {len(waits) / seconds:.1f} runs/s, "
        f"p50 {quantile(waits, 0.5):.0f} ms, p95 {quantile(waits, 0.95):.0f} ms",
        flush=True,
    )
    closing.cancel()
    await pools.aclose()


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _measure_all() -> None:
    with a_far_end() as far_end:
        for at_once, runs_of_each in PARTS:
            await _measure(far_end, at_once, runs_of_each)


if __name__ == "__main__":
    uvloop.run(_measure_all())
