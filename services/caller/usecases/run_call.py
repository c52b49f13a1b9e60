"""Run one call: dial, place, start, talk, end. Whatever dies in between, the run ends once and is called once."""

from collections.abc import Callable

from services.caller.domain.attempt import INTERNAL, SHUT_DOWN, Claimed, Ended
from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.conversation import Conversation, Opening, hold_conversation, place_call
from services.caller.domain.limits import CallLimits
from services.caller.domain.turn import PartyError, Side
from services.caller.ports import Parties, Stages
from shared.events.admissions import TestCallDispatched

NOTHING_SAID = Conversation((), "error", 0)


async def run_call(
    claimed: Claimed,
    dispatch: TestCallDispatched,
    *,
    stages: Stages,
    parties: Parties,
    clock: CallClock,
    shutting_down: Callable[[], bool],
    traceparent: str | None,
) -> Ended | None:
    """Run a claimed attempt to its end; return None if it is another's by now.

    The first contact with the agent happens after `dial` has committed and before `start` stamps: so the stamp is
    never earlier than the contact, and a stagger that counts from the stamp holds at the far end.
    """
    if not await stages.dial(claimed):
        return None
    started_at = None
    try:
        bot, agent = parties.bot(dispatch), parties.agent(dispatch)
        first: Side = "agent" if dispatch.direction == "outbound" else "bot"  # who answers the phone speaks first
        opening: Opening = await place_call(bot=bot, agent=agent, first=first, clock=clock)
        started_at = await stages.start(claimed, dispatch, traceparent)
        if started_at is None:
            return None
        held = await hold_conversation(
            bot=bot,
            agent=agent,
            first=first,
            opening=opening,
            limits=CallLimits.for_held_minutes(dispatch.held_minutes),
            clock=clock,
        )
        ended = Ended(started_at, held, held.error_message)
    except PartyError as error:
        ended = Ended(started_at, NOTHING_SAID, str(error))
    except LeaseLost:
        if not shutting_down():
            return None
        ended = Ended(started_at, NOTHING_SAID, SHUT_DOWN)
    except Exception:
        if not await stages.end(claimed, dispatch, Ended(started_at, NOTHING_SAID, INTERNAL), traceparent):
            return None
        raise
    return ended if await stages.end(claimed, dispatch, ended, traceparent) else None
