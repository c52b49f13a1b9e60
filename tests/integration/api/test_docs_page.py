"""/docs works without any other server."""

import re

import pytest

from tests.integration.api.harness import Api

pytestmark = pytest.mark.integration

ASSETS = {"/docs/swagger-ui-bundle.js": "text/javascript", "/docs/swagger-ui.css": "text/css"}


async def test_the_page_needs_no_key_and_refers_to_nobody_else(api: Api) -> None:
    page = await api.client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not re.search(r"https?:|[\"'(]//", page.text)
    references = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert references - {"data:,"} == set(ASSETS)
    assert '"/openapi.json"' in page.text
    assert (await api.client.get("/openapi.json")).status_code == 200


@pytest.mark.parametrize(("path", "media_type"), ASSETS.items())
async def test_its_files_are_served_from_here(api: Api, path: str, media_type: str) -> None:
    answer = await api.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert len(answer.content) > 50_000
    if path.endswith(".css"):
        assert not re.search(r"url\([\"']?(https?:)?//|@import", answer.text)


async def test_nothing_else_of_the_package_is_served(api: Api) -> None:
    for path in ("/docs/", "/docs/../../etc/passwd", "/docs/%2e%2e/__init__.py", "/redoc", "/docs/oauth2-redirect"):
        assert (await api.client.get(path)).status_code == 404, path
