"""/recordings: what signed links lead to. They need no key: whoever has one may listen, so long as it lasts."""

import re

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from services.api.edges.http import problems
from services.api.edges.http.methods import asked_method

NAME = re.compile(r"[1-9][0-9]{0,15}/[0-9]{1,16}[ab]-[A-Za-z0-9_-]{20,64}\.wav")
NOBODY_ELSES = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


class Sound(FileResponse):
    """A recording, or the pieces of it that were asked for (RFC 9110, 14). HEAD reads none of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__({**scope, "method": asked_method(scope)}, receive, send)


async def get_recording(request: Request) -> Response:
    """Return a recording to whoever has a link that is not over."""
    name, given = request.path_params["name"], request.query_params
    shelf = request.app.state.shelf
    is_ours = shelf is not None and shelf.link.is_ours(name, given.get("expires", ""), given.get("signature", ""))
    if not is_ours or NAME.fullmatch(name) is None:
        return problems.problem(403, "link_invalid", "This link is not valid, or not any more.")
    if shelf.is_bucket:
        return RedirectResponse(shelf.presigned(name), 307, NOBODY_ELSES)
    path = shelf.file(name)
    if path is None:
        return problems.not_found()
    return Sound(path, media_type="audio/wav", headers=NOBODY_ELSES)


ROUTES = [Route("/recordings/{name:path}", get_recording, methods=["GET"])]
