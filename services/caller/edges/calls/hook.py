"""Announces calls that come in over SIP to the API, by its inbound webhook: that makes their call logs."""

import asyncio
from datetime import datetime
from urllib.parse import urlsplit

import httpcore2

from services.caller.edges.endpoints.asking import Asks
from services.caller.edges.endpoints.failures import Unanswered
from shared.hooks.inbound_calls import PATH, InboundCall, InboundCallLogged
from shared.hooks.signing import signed

RETRY_SECONDS = 0.5
LIMIT_SECONDS = 5.0
OK, TRIED_AGAIN_FROM = 200, 500


class InboundWebhook:
    """Asks again until there is an answer: the Call-ID makes it the same call. Raises TimeoutError, ValueError."""

    def __init__(self, asks: Asks, url: str, secret: bytes) -> None:
        parts = urlsplit(url)
        self._url = httpcore2.URL(url if parts.path.strip("/") else f"{url.rstrip('/')}{PATH}")
        self._host = parts.netloc
        self._secret = secret
        self._asks = asks

    async def __call__(
        self, run_id: int, sip_call_id: str, from_number: str, to_number: str, invited_at: datetime
    ) -> int | None:
        """Announce a call; return the id of its log, None if the API makes none."""
        call = InboundCall(
            run_id=run_id,
            sip_call_id=sip_call_id,
            from_number=from_number,
            to_number=to_number,
            invited_at=invited_at,
        )
        body = call.model_dump_json().encode()
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                headers = {
                    "Host": self._host,
                    "Content-Type": "application/json",
                    **signed(self._secret, sip_call_id, body),
                }
                try:
                    answer = await self._asks.post(
                        self._url, org_id=None, headers=headers, body=body, limit_seconds=LIMIT_SECONDS
                    )
                except Unanswered:
                    pass
                else:
                    if answer.status == OK:
                        return InboundCallLogged.model_validate_json(answer.body).call_id
                    if answer.status < TRIED_AGAIN_FROM:
                        raise ValueError(f"the inbound webhook answered {answer.status}")
                await asyncio.sleep(RETRY_SECONDS)
