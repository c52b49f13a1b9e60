"""Run one call: place, start, talk, end. Whatever dies in between, the run ends once and is called once."""

import asyncio
from collections.abc import Callable

from services.caller.domain.attempt import CANCELED, INTERNAL, Claimed, Ended, NoEnd
from services.caller.domain.call_clock import CallClock, LeaseLost
from services.caller.domain.turn import PartyError
from services.caller.ports import Calls, Stages
from shared.events.admissions import TestCallDispatched


async def run_call(
    claimed: Claimed,
    dispatch: TestCallDispatched,
    *,
    stages: Stages,
    calls: Calls,
    clock: CallClock,
    why_silent: Callable[[], str],
    traceparent: str | None,
) -> Ended | NoEnd:
    """Run an attempt that is committed as dialling under this worker's lease to its end.

    The start is stamped after the first contact, and committed beside the talk: the stamp is reckoned back to when the
    agent had answered, so that it is never earlier than the contact, and a stagger that counts from it holds at the far
    end. A call that is over sooner says its start with its end. Whatever cuts a call, what was said until then is kept;
    one that is cut before the agent heard of it is put back for another, unless it is to be canceled. `why_silent` is
    asked for the reason when the clock says that it is over.
    """
    call = calls.call(claimed, dispatch, clock, traceparent)
    answered_at, starting, fault = None, None, None
    try:
        await call.place()
        answered_at = asyncio.get_running_loop().time()
        starting = asyncio.create_task(_start(claimed, dispatch, stages, clock, answered_at, traceparent))
        held = await call.hold()
    except PartyError as error:
        held = call.cut(str(error))
    except LeaseLost:  # it is silent by now; whether the run is still this worker's to end, the token says
        if not call.contacted and why_silent() != CANCELED:
            await call.close()
            await stages.put_back(claimed, dispatch)
            return NoEnd.NOT_DIALLED
        held = call.cut(why_silent())
    except Exception as error:
        held, fault = call.cut(INTERNAL), error
    finally:
        if starting is not None:
            starting.cancel()
    ended = Ended(answered_at, held, held.error_message, await call.close())
    if not await stages.end(claimed, dispatch, ended, traceparent):
        return NoEnd.NOT_MINE
    if fault is not None:
        raise fault
    return ended


async def _start(
    claimed: Claimed,
    dispatch: TestCallDispatched,
    stages: Stages,
    clock: CallClock,
    answered_at: float,
    traceparent: str | None,
) -> None:
    """Commit the start; hang up if the run is another's by now."""
    if not await stages.start(claimed, dispatch, answered_at, traceparent):
        clock.stop()
