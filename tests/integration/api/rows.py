"""Many rows of one organisation, written straight into the API's tables."""

from deploy.bench.many_rows import FIRST, many_rows
from tests.integration.api.builders import Org
from tests.integration.api.harness import Api


def first_id(org: Org) -> int:
    """The id before that of an organisation's first row."""
    return org.org_id * FIRST


async def fill(api: Api, org: Org, rows: int) -> None:
    """Let an organisation have many runs with calls and entries, and as many batches."""
    for statement, values in many_rows(org.org_id, rows):
        await api.change(statement, **values)
