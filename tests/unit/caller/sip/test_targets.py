"""Where a SIP URI leads, and where it must not."""

import pytest

from services.caller.edges.endpoints.dialling import Guard
from services.caller.edges.sip.agent import CallRefused, RefusalKind
from services.caller.edges.sip.targets import resolve_sip
from shared.network.addresses import AddressPolicy
from shared.network.resolving import Resolver

KNOWN = {
    "agent.example.com": ("8.8.8.8",),
    "both.example.com": ("2600::1", "8.8.4.4"),
    "inside.example.com": ("8.8.8.8", "10.0.0.1"),
    "127.0.0.1": ("127.0.0.1",),
    "2600::1": ("2600::1",),
}


def lookup(host: str) -> tuple[str, ...]:
    """Know a few names."""
    if host not in KNOWN:
        raise OSError
    return KNOWN[host]


def guard() -> Guard:
    """Public addresses alone."""
    return Guard(Resolver(lookup), AddressPolicy(), org_id=7)


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:100@agent.example.com", ("8.8.8.8", 5060)),
        ("sip:agent.example.com:5080", ("8.8.8.8", 5080)),
        ("SIP:100@agent.example.com;transport=UDP;lr", ("8.8.8.8", 5060)),
        ("sip:100@both.example.com", ("8.8.4.4", 5060)),
        ("sip:100@[2600::1]:5070", ("2600::1", 5070)),
        ("sip:100@nowhere.invalid;maddr=agent.example.com", ("8.8.8.8", 5060)),
    ],
)
async def test_a_uri_leads_to_a_checked_address(uri: str, address: tuple[str, int]) -> None:
    assert await resolve_sip(uri, guard()) == address


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("sip:100@inside.example.com", "not_allowed"),
        ("sip:100@127.0.0.1", "not_allowed"),
        ("sip:100@unknown.example.com", "not_allowed"),
        ("sip:100@agent.example.com;maddr=127.0.0.1", "not_allowed"),
        ("sip:100@agent.example.com;transport=tcp", "unsupported_transport"),
        ("sip:100@agent.example.com;transport=tls", "unsupported_transport"),
        ("sips:100@agent.example.com", "unsupported_transport"),
        ("tel:+49", "not_allowed"),
        ("https://agent.example.com", "not_allowed"),
        ("sip:", "not_allowed"),
        ("sip:100@agent.example.com:0", "not_allowed"),
        ("sip:100@agent.example.com:99999", "not_allowed"),
        ("sip:100@agent.example.com?Replaces=x", "not_allowed"),
        ("sip:100@agent.example.com\r\nX: y", "not_allowed"),
        ("sip:1 00@agent.example.com", "not_allowed"),
        ("sip:<100>@agent.example.com", "not_allowed"),
        ("sip:" + "1" * 2_000 + "@agent.example.com", "not_allowed"),
    ],
)
async def test_any_other_is_refused_and_nothing_is_sent(uri: str, kind: RefusalKind) -> None:
    with pytest.raises(CallRefused) as refused:
        await resolve_sip(uri, guard())
    assert refused.value.kind == kind
    assert uri not in refused.value.sentence


async def test_an_unknown_name_and_one_that_leads_inside_are_told_apart_by_nobody() -> None:
    said = []
    for host in ("unknown", "inside"):
        with pytest.raises(CallRefused) as refused:
            await resolve_sip(f"sip:1@{host}.example.com", guard())
        said.append((refused.value.kind, refused.value.sentence))
    assert said[0] == said[1]
