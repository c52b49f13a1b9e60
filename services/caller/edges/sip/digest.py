"""Answers a trunk's challenges: MD5 and SHA-256, qop=auth (RFC 7616, RFC 8760)."""

from aiosipua.auth import SipDigestAuth, build_credentials
from aiosipua.headers import parse_auth, stringify_auth
from aiosipua.message import SipRequest, SipResponse

from services.caller.edges.sip.agent import Credentials
from services.caller.edges.sip.limits import MAX_CHALLENGES_OF_REQUEST

# What challenges, and what answers it.
_HEADERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
_STRONGEST_FIRST = ("SHA-256", "MD5")
MAX_CHALLENGES_READ = 8


class Digest:
    """What answers the challenges to one request, as it is sent again and again."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._answers: dict[tuple[str, str], str] = {}
        self._count = 0

    def take(self, challenged: SipRequest, response: SipResponse) -> bool:
        """Make an answer to a 401 or 407. Says whether there is any use in sending it."""
        asks, answers = _HEADERS[response.status_code]
        self._count += 1
        if self._credentials is None or self._count > MAX_CHALLENGES_OF_REQUEST:
            return False
        known = SipDigestAuth(self._credentials.username, self._credentials.password)
        challenges = [parse_auth(text) for text in response.headers.get(asks)[:MAX_CHALLENGES_READ]]
        for algorithm in _STRONGEST_FIRST:
            for challenge in challenges:
                if challenge.params.get("algorithm", "MD5").upper() != algorithm:
                    continue
                made = build_credentials(known, challenge, challenged.method, challenged.uri)
                place = (answers, challenge.params.get("realm", ""))
                if made is None:
                    continue
                if place in self._answers and challenge.params.get("stale", "").lower() != "true":
                    return False  # it has heard our answer, and does not like it
                self._answers[place] = stringify_auth(made)
                return True
        return False

    def write(self, request: SipRequest) -> None:
        """Put all answers into a request: the same INVITE, or its ACK."""
        for (name, _realm), answer in self._answers.items():
            request.headers.append(name, answer)
