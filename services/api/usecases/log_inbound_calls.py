"""Make the call log of an inbound leg, and link it with its run."""

from services.api.domain.inbound import NoSuchRun, OtherLeg, may_log
from services.api.ports import Legs
from shared.hooks.inbound_calls import InboundCall


async def log_inbound_call(legs: Legs, call: InboundCall) -> int | NoSuchRun | OtherLeg:
    """Return the id of the call log. Idempotent by Call-ID, also when the run has ended since."""
    run = await legs.lock_run(call.run_id)
    known = await legs.of_call_id(call.sip_call_id)
    if known is not None:
        call_id, run_id = known
        return call_id if run_id == call.run_id else OtherLeg()
    refusal = may_log(run)
    if refusal is not None or run is None:
        return refusal or NoSuchRun()
    return await legs.log(run, call)
