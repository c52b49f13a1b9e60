"""`python -m tests.support.caller_to_be_killed PORT FOLDER`: a caller in mid-call with a SIP agent, until it is killed.

Its session timers are as short as a test needs them.
"""

import asyncio
import sys
from pathlib import Path

from services.caller.edges.sip.limits import Timing
from tests.integration.calls.exchange import an_exchange
from tests.integration.calls.test_far_ends import to
from tests.integration.calls.test_loopback import Scripted

SESSION_SECONDS = 3
FIRST_PORT = 39_200


async def call(port: int, folder: Path) -> None:
    """Hold a call to an agent at this port. If it ends, somebody has not killed in time."""
    timing = Timing(
        t1_seconds=0.1, session_expires_seconds=SESSION_SECONDS, min_session_expires_seconds=SESSION_SECONDS
    )
    async with an_exchange(folder, Scripted(), first_port=FIRST_PORT, timing=timing) as exchange:
        held, _ = await exchange.run(to(port))
        raise SystemExit(f"the call ended: {held.end_reason} {held.error_message}")


if __name__ == "__main__":
    asyncio.run(call(int(sys.argv[1]), Path(sys.argv[2])))
