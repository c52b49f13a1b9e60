"""/hooks: what other services of ours tell the API, signed. No customer's key opens it, and none is asked for."""

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.api.domain.inbound import NoSuchRun, OtherLeg
from services.api.edges.http import problems
from services.api.edges.http.strict import read_json
from shared.hooks.inbound_calls import MAX_BODY_BYTES, PATH, InboundCall, InboundCallLogged
from shared.hooks.signing import is_signed


async def log_inbound_call(request: Request) -> Response:
    """Make the call log of a call that comes in over SIP. Nothing of an unsigned body is looked at."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return problems.too_large()
    secret = request.app.state.hook_secret
    if secret is None or not is_signed(secret, request.headers, bytes(body)):
        return problems.unsigned()
    read_json(bytes(body))  # stricter than the next reader
    try:
        call = InboundCall.model_validate_json(bytes(body))
    except ValidationError as error:
        fields = {str(one["loc"][0]) if one["loc"] else "body": ["Is not valid."] for one in error.errors()}
        return problems.invalid(fields)
    match await request.app.state.log_inbound_call(call):
        case NoSuchRun():
            return problems.problem(404, "run_not_found", "There is no such run over SIP that goes on.")
        case OtherLeg():
            return problems.problem(409, "other_leg", "The Call-ID or the run belongs to another call.")
        case call_id:
            return JSONResponse(InboundCallLogged(call_id=call_id).model_dump())


ROUTES = [Route(PATH, log_inbound_call, methods=["POST"])]
