"""Run one call: dial, place, start, talk, end. Whatever dies in between, the run ends once and is called once."""

from collections.abc import Callable

from services.caller.domain.attempt import INTERNAL, LOST, SHUT_DOWN, Claimed, Ended
from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.conversation import Call
from services.caller.domain.limits import CallLimits
from services.caller.domain.turn import PartyError, Side
from services.caller.ports import Parties, Stages
from shared.events.admissions import TestCallDispatched


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
    never earlier than the contact, and a stagger that counts from the stamp holds at the far end. Whatever cuts a
    call, what was said until then is kept.
    """
    if not await stages.dial(claimed):
        return None
    first: Side = "agent" if dispatch.direction == "outbound" else "bot"  # who answers the phone speaks first
    call = Call(first, CallLimits.for_held_minutes(dispatch.held_minutes), clock)
    started_at, fault = None, None
    try:
        await call.place(bot=parties.bot(dispatch), agent=parties.agent(dispatch))
        started_at = await stages.start(claimed, dispatch, traceparent)
        if started_at is None:
            return None
        held = await call.hold()
    except PartyError as error:
        held = call.cut(str(error))
    except LeaseLost:  # it is silent by now; whether the run is still this worker's to end, the token says
        held = call.cut(SHUT_DOWN if shutting_down() else LOST)
    except Exception as error:
        held, fault = call.cut(INTERNAL), error
    ended = Ended(started_at, held, held.error_message)
    if not await stages.end(claimed, dispatch, ended, traceparent):
        return None
    if fault is not None:
        raise fault
    return ended
