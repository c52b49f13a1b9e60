"""All that an organisation sees, for comparisons."""

from typing import Any

from tests.integration.api.builders import Org
from tests.integration.api.harness import BATCHES, CALLS, Api

LISTS = (CALLS, BATCHES, "/v1/calls", "/v1/billing/entries", "/v1/billing")


async def all_that_is_seen(api: Api, org: Org, *, but: tuple[str, ...] = ("as_of",)) -> dict[str, Any]:
    """Every list of an organisation, and its funds; `but` are keys that may differ."""
    pages = {path: (await api.get(org, f"{path}?limit=200")).json() for path in LISTS}
    return {path: _without(page, but) for path, page in pages.items()}


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value
