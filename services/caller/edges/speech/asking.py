"""A request to the speech endpoint, and again if it was too busy or hung up: asking twice does nothing twice."""

import asyncio
from collections.abc import Mapping

from services.caller.domain.media import SpeechError
from services.caller.edges.endpoints.asking import Answer, Asks
from services.caller.edges.endpoints.failures import HungUp, NotReached, TooSlow, Unanswered
from services.caller.edges.parties.chat import sentences
from services.caller.edges.parties.chat.address import Address
from services.caller.edges.speech.limits import FIRST_WAIT_SECONDS, MAX_TRIES

OK = 200
TOO_BUSY = (429, 503)


def sentence(rest: str) -> SpeechError:
    """Return an error about the speech endpoint."""
    return SpeechError(f"The speech endpoint {rest}")


async def ask(asks: Asks, address: Address, headers: Mapping[str, str], body: bytes, *, limit_seconds: float) -> Answer:
    """Return the answer to a request, of all tries within `limit_seconds`. Raises SpeechError for any but a 200."""
    now = asyncio.get_running_loop().time
    ends_at = now() + limit_seconds
    for nth in range(MAX_TRIES):
        wait_seconds = FIRST_WAIT_SECONDS * 2**nth
        try:
            if (left_seconds := ends_at - now()) <= 0:
                raise TooSlow
            answer = await asks.post(address.url, org_id=None, headers=headers, body=body, limit_seconds=left_seconds)
        except (HungUp, NotReached) as why:
            failed = sentence(sentences.why_unanswered(why, limit_seconds))
        except Unanswered as why:
            raise sentence(sentences.why_unanswered(why, limit_seconds)) from None
        else:
            if answer.status == OK:
                return answer
            failed = _refused(answer.status)
            if answer.status not in TOO_BUSY:
                raise failed
            wait_seconds = _asked_wait(answer) or wait_seconds
        if now() + wait_seconds >= ends_at:
            break
        await asyncio.sleep(wait_seconds)
    raise failed


def _refused(status: int) -> SpeechError:
    meaning = sentences.ELSEWHERE if 300 <= status < 400 else sentences.MEANINGS.get(status)
    return sentence(f"answered {status}: {meaning}" if meaning else f"answered {status}")


def _asked_wait(answer: Answer) -> float | None:
    """Return the seconds of Retry-After, None where it says none (it may be a date)."""
    written = answer.headers.get("retry-after", "").strip()
    return float(written) if written.isdecimal() and len(written) <= 4 else None
