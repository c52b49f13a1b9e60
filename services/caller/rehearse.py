"""`python -m services.caller.rehearse "You want a refund …"`: print one offline conversation at once."""

import argparse
import asyncio
import sys

from services.caller.domain.call_clock import CallClock
from services.caller.domain.conversation import Call, Conversation
from services.caller.domain.limits import CallLimits
from services.caller.edges.parties.offline.agent import OfflineAgent
from services.caller.edges.parties.offline.bot import OfflineBot

AS_FAST_AS_IT_GOES = 1e9


async def rehearse(prompt: str, *, inbound: bool = False, minutes: int = 1) -> Conversation:
    """Hold a conversation between the two offline minds in no time."""
    clock = CallClock(AS_FAST_AS_IT_GOES, lambda: True)
    call = Call("bot" if inbound else "agent", CallLimits.for_held_minutes(minutes), clock)
    await call.place(bot=OfflineBot(prompt), agent=OfflineAgent("Ann"))
    return await call.hold()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt")
    parser.add_argument("--inbound", action="store_true", help="the bot answers, the agent calls")
    arguments = parser.parse_args()
    held = asyncio.run(rehearse(arguments.prompt, inbound=arguments.inbound))
    for turn in held.turns:
        sys.stdout.write(f"{turn.start_ms / 1_000:6.1f} s  {turn.role:13}  {turn.content}\n")
    sys.stdout.write(f"{held.duration_ms / 1_000:6.1f} s  {held.end_reason}\n")


if __name__ == "__main__":
    _main()
