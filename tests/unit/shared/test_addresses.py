"""Which addresses are called on a customer's behalf: public ones, and what the operator lists."""

import pytest

from shared.network.addresses import AddressPolicy, admits_all, read_networks

NOBODY = AddressPolicy()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "",
        "agent.test",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
    ],
)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not NOBODY.admits(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ],
)
def test_what_is_public_is_called(address: str) -> None:
    assert NOBODY.admits(address)


def test_the_operator_lists_networks_that_are_called_although_they_are_not_public() -> None:
    policy = AddressPolicy(read_networks(" 10.1.0.0/16, ::1 ,127.0.0.1,"))
    assert [policy.admits(one) for one in ("10.1.2.3", "::1", "127.0.0.1", "::ffff:10.1.2.3")] == [True] * 4
    assert [policy.admits(one) for one in ("10.2.0.1", "127.0.0.2", "::2", "192.168.0.1")] == [False] * 4


def test_every_address_of_a_name_has_to_be_allowed_and_there_has_to_be_one() -> None:
    assert admits_all(NOBODY, ["1.1.1.1", "2606:4700:4700::1111"])
    assert not admits_all(NOBODY, ["1.1.1.1", "10.0.0.1"])
    assert not admits_all(NOBODY, [])


@pytest.mark.parametrize("listed", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "10.0.0.0-10.0.0.9"])
def test_a_list_that_cannot_be_read_names_what_is_wrong(listed: str) -> None:
    with pytest.raises(ValueError, match=listed.split("/")[0]):
        read_networks(f"127.0.0.1, {listed}")
