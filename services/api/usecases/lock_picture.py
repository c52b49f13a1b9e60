"""Lock what a whole poll is about at once."""

from collections.abc import Sequence
from typing import Any

from services.api.ports import Picture
from shared.events.billing import FundsDeclined, FundsReserved
from shared.events.directory import ApiKeyIssued, OrgUpserted
from shared.messaging.messages import Heard

MAKE_ORGS = (OrgUpserted, ApiKeyIssued)
ARE_ABOUT_REQUESTS = (FundsReserved, FundsDeclined)


async def lock_picture(picture: Picture, heard: Sequence[Heard[Any]]) -> None:
    """Lock organisations, runs, batches and accounts, each in the order of their ids.

    A poll has several use cases, and each changes its own rows: another instance that hears of the same runs from
    another topic would meet them in another order.
    """
    events = [one.event for one in heard]
    await picture.lock(
        org_ids={event.org_id for event in events if isinstance(event, MAKE_ORGS)},
        run_ids={event.run_id for event in events if hasattr(event, "run_id")},
        request_ids={event.request_id for event in events if isinstance(event, ARE_ABOUT_REQUESTS)},
        account_ids={event.org_id for event in events if getattr(event, "account", None) is not None} - {None},
    )
