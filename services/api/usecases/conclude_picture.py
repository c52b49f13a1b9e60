"""Write what a poll said: each run, each call, each batch and each account once."""

from services.api.domain.transitions import Answered, GivenUp
from services.api.ports import Picture
from shared.messaging.messages import Say


async def conclude_picture(picture: Picture) -> list[Say]:
    """Write accounts with their entries, then runs with their calls, then batches.

    Every instance locks in this order, and rows of one kind in the order of their ids: whoever hears of the same runs
    from another topic waits, never in a circle.
    """
    notes = picture.notes
    await picture.take_accounts()
    run_ids, declined = notes.run_ids(), notes.request_ids(GivenUp)
    answered = notes.request_ids(Answered)
    if run_ids or answered or declined:
        runs = await picture.lock_runs(run_ids, declined=declined, answered=answered)
        lost = notes.lost_run_ids()
        uncalled = [run for run in runs if run.call_id is None and (run.is_lost or run.id in lost)]
        if uncalled:
            charged = await picture.charged_calls([run.id for run in uncalled])
            for run in uncalled:
                run.charged_call_id = charged.get(run.id)
        notes.apply(runs)
        await picture.write_runs([run for run in runs if run.is_changed])
        await picture.write_calls(runs)
        await picture.write_recordings(runs)
        await picture.count_batches({run.batch_id for run in runs if run.is_moved and run.batch_id is not None})
    return []
