"""Ask for the end of a run, or of all runs of a batch. Whoever owns a run ends it: the API never does."""

from services.api.ports import Awaited, Cancels
from shared.events.requests import CancelRequested
from shared.messaging.messages import Say


async def cancel_runs(cancels: Cancels, asked: Awaited, traceparent: str | None) -> tuple[bool, list[Say]]:
    """Return whether there is such a run or batch, and CancelRequested of each run that is open. Idempotent by run."""
    runs = await cancels.lock(asked)
    if runs is None:
        return False, []
    new = [one for one in runs if not one.is_asked]
    if not new:
        return True, []
    requested_at = await cancels.mark([one.run_id for one in new])
    return True, [
        Say(
            CancelRequested(
                run_id=one.run_id,
                org_id=asked.org_id,
                request_id=one.request_id,
                batch_id=one.batch_id,
                requested_at=requested_at,
            ),
            traceparent,
        )
        for one in new
    ]
