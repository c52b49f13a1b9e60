"""Answers to challenges: RFC 7616's own example, and which of several is answered."""

import hashlib

import pytest
from aiosipua.message import SipRequest, SipResponse

from services.caller.edges.sip.agent import Credentials
from services.caller.edges.sip.digest import Digest

INVITE = SipRequest(method="INVITE", uri="sip:1@x")


def challenged(*challenges: str, status: int = 401) -> SipResponse:
    """A response with challenges."""
    response = SipResponse(status_code=status)
    for challenge in challenges:
        response.headers.append("WWW-Authenticate" if status == 401 else "Proxy-Authenticate", challenge)
    return response


def written(digest: Digest) -> SipRequest:
    """The request that is sent next."""
    request = SipRequest(method="INVITE", uri="sip:1@x")
    digest.write(request)
    return request


@pytest.mark.parametrize(("algorithm", "hashed"), [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
def test_the_answer_is_what_the_rfc_reckons(algorithm: str, hashed) -> None:  # type: ignore[no-untyped-def]
    digest = Digest(Credentials("me", "secret"))
    assert digest.take(INVITE, challenged(f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}'))
    said = written(digest).headers.get_first("authorization") or ""
    fields = dict(part.strip().split("=", 1) for part in said.removeprefix("Digest ").split(","))

    def h(text: str) -> str:
        return str(hashed(text.encode()).hexdigest())

    cnonce = fields["cnonce"].strip('"')
    wanted = h(f"{h('me:r:secret')}:n:00000001:{cnonce}:auth:{h('INVITE:sip:1@x')}")
    assert fields["response"] == f'"{wanted}"'


def test_the_strongest_of_several_is_answered() -> None:
    digest = Digest(Credentials("me", "secret"))
    assert digest.take(
        INVITE, challenged('Digest realm="r", nonce="1"', 'Digest realm="r", nonce="2", algorithm=SHA-256')
    )
    assert 'nonce="2"' in (written(digest).headers.get_first("authorization") or "")


def test_a_proxys_and_the_far_ends_challenges_are_both_answered() -> None:
    digest = Digest(Credentials("me", "secret"))
    assert digest.take(INVITE, challenged('Digest realm="p", nonce="1"', status=407))
    assert digest.take(INVITE, challenged('Digest realm="r", nonce="2"'))
    request = written(digest)
    assert request.headers.get_first("authorization")
    assert request.headers.get_first("proxy-authorization")


@pytest.mark.parametrize(
    "challenge", ['Basic realm="r"', 'Digest realm="r"', 'Digest realm="r", nonce="n", algorithm=X', "", "Digest"]
)
def test_what_cannot_be_answered_is_not(challenge: str) -> None:
    assert not Digest(Credentials("me", "secret")).take(INVITE, challenged(challenge))


def test_without_credentials_nothing_is_answered() -> None:
    assert not Digest(None).take(INVITE, challenged('Digest realm="r", nonce="1"'))
