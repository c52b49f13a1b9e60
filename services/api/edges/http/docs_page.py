"""/docs: Swagger UI from the package's own files, so that it works without any other server."""

from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

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


def add_docs_page(app: FastAPI) -> None:
    """Serve the page and its two files."""
    resources = files("fastapi_swagger") / "resources"
    contents = {name: (resources / name).read_bytes() for name in ASSETS}

    async def docs(_: Request) -> Response:
        return HTMLResponse(PAGE)

    async def asset(request: Request) -> Response:
        name = request.url.path.rsplit("/", 1)[1]
        return Response(contents[name], media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})

    app.add_route("/docs", docs, include_in_schema=False)
    for name in ASSETS:
        app.add_route(f"/docs/{name}", asset, include_in_schema=False)
