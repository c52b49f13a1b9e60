"""A client that pages as RFC 8288 says: it follows links."""

import re
from typing import Any

import httpx2

from tests.integration.api.builders import Org
from tests.integration.api.harness import Api


def links(answer: httpx2.Response) -> dict[str, str]:
    """The links of an answer by their relation."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("link", ""))}


def rows_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The rows of a page, bare or wrapped."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rows: list[dict[str, Any]] = body if isinstance(body, list) else body["results"]
    return rows


def id_of(row: dict[str, Any]) -> int:
    """What a row is known by."""
    number: int = row["id"] if "id" in row else row["call_id"]
    return number


def ids(answer: httpx2.Response) -> list[int]:
    return [id_of(row) for row in rows_of(answer)]


async def followed(api: Api, org: Org, url: str) -> list[dict[str, Any]]:
    """All rows, page after page."""
    rows: list[dict[str, Any]] = []
    while url:
        answer = await api.get(org, url)
        rows += rows_of(answer)
        url = links(answer).get("next", "")
    return rows
