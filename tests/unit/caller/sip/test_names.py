"""Addresses as strangers write them, and as we do."""

import pytest

from services.caller.edges.sip.dialog import Dialog
from services.caller.edges.sip.names import host_port_of, name_addr, read_name_addr, sip_uri, user_of


@pytest.mark.parametrize(
    ("text", "uri", "tag"),
    [
        ("<sip:1@x>;tag=a", "sip:1@x", "a"),
        ("sip:1@x;tag=a", "sip:1@x", "a"),
        ('"A <sip:wrong@x>" <sip:right@x> ; tag = b', "sip:right@x", "b"),
        ('"a \\" <" <sip:1@x;lr>', "sip:1@x;lr", ""),
        ("Two Words <sip:1@x>", "sip:1@x", ""),
    ],
)
def test_an_address_is_read_whatever_its_name_is(text: str, uri: str, tag: str) -> None:
    read = read_name_addr(text)
    assert (read.uri, read.tag) == (uri, tag)


@pytest.mark.parametrize("text", ["", ";tag=a", '"open <sip:1@x>', "two words"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_name_addr(text)


@pytest.mark.parametrize(
    ("uri", "where"),
    [
        ("sip:1@127.0.0.1", ("127.0.0.1", 5060)),
        ("sip:1@[::1]:5070", ("::1", 5070)),
        ("sip:1@x;maddr=127.0.0.2", ("127.0.0.2", 5060)),
        ("sip:name.example.com", None),
        ("sip:127.0.0.1;transport=tcp", None),
        ("sips:127.0.0.1", None),
        ("sip:127.0.0.1:0", None),
    ],
)
def test_only_an_address_that_takes_udp_is_somewhere_to_send_to(uri: str, where: tuple[str, int] | None) -> None:
    assert host_port_of(uri) == where


def test_users_are_written_so_that_nothing_in_them_means_anything() -> None:
    uri = sip_uri('+49 1"<>;@\r\n', ("127.0.0.1", 5060))
    assert uri == "sip:+49%201%22%3C%3E%3B%40%0D%0A@127.0.0.1:5060"
    assert user_of(uri) == '+49 1"<>;@\r\n'
    assert user_of("tel:+4915;phone-context=x") == "+4915"
    assert name_addr("sip:1@x", "t", 'a"b\r\nX: y') == '"a\\"b  X: y" <sip:1@x>;tag=t'


def test_a_strict_router_gets_the_request_itself() -> None:
    dialog = Dialog(
        call_id="c",
        local="<sip:a@x>;tag=l",
        remote="<sip:b@x>;tag=r",
        remote_target="sip:b@127.0.0.9",
        routes=("<sip:127.0.0.1>", "<sip:127.0.0.2;lr>"),
        local_cseq=0,
        remote_cseq=0,
        own=("127.0.0.1", 1),
        reached_at=("127.0.0.3", 5060),
        admits=lambda host: True,
    )
    request = dialog.request("BYE")
    assert request.uri == "sip:127.0.0.1"
    assert request.headers.get("route") == ["<sip:127.0.0.2;lr>", "<sip:b@127.0.0.9>"]
    assert dialog.next_hop == ("127.0.0.1", 5060)
