"""/docs: Swagger UI from the package's own files, so that it works without any other server."""

from collections.abc import AsyncIterator
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Rehearsal API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null})</script>
</body>
</html>
"""


SLICE_BYTES = 65_536


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    """Send as much as the client takes: whoever only asks, without a key and without reading, holds one slice."""
    for at in range(0, len(content), SLICE_BYTES):
        yield content[at : at + SLICE_BYTES]


def add_docs_page(app: FastAPI) -> None:
    """Serve the page and its two files."""
    resources = files("fastapi_swagger") / "resources"
    contents = {name: (resources / name).read_bytes() for name in ASSETS}

    async def docs(_: Request) -> Response:
        return HTMLResponse(PAGE)

    async def asset(request: Request) -> Response:
        name = request.url.path.rsplit("/", 1)[1]
        headers = {"Cache-Control": "max-age=86400", "Content-Length": str(len(contents[name]))}
        return StreamingResponse(_slices(contents[name]), media_type=ASSETS[name], headers=headers)

    app.add_route("/docs", docs, include_in_schema=False)
    for name in ASSETS:
        app.add_route(f"/docs/{name}", asset, include_in_schema=False)
