"""Which addresses may be called on somebody else's behalf: public ones, and what the operator lists.

Whoever calls an address that a customer names (an agent's endpoint, a webhook) stands inside the operator's network and
would be the customer's arm there. Pure: names are looked up in `shared/network/resolving.py`.

Source: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# The standard library's `is_global` differs between patch releases of Python: the list is ours.
NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; metadata of one cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # one cloud's host, under a public number
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; metadata of one cloud
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
PUBLIC_V6 = IPv6Network("2000::/3")  # all else is loopback, unspecified, unique-local, link-local, multicast or unused
NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address within
        "3fff::/20",  # documentation
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Says which addresses may be called. `allowed`: networks that are called although they are not public."""

    allowed: tuple[Network, ...] = ()

    def admits(self, address: str) -> bool:
        """Say whether an address, written as the resolver writes it, may be called."""
        try:
            given = ip_address(address)
        except ValueError:
            return False
        meant = _meant(given)
        return _is_public(meant) or any(one in network for one in {given, meant} for network in self.allowed)


def read_networks(listed: str) -> tuple[Network, ...]:
    """Read a comma-separated list of networks. Raises ValueError that names the one that is none."""
    return tuple(ip_network(part) for one in listed.split(",") if (part := one.strip()))


def admits_all(policy: AddressPolicy, addresses: Sequence[str]) -> bool:
    """Say whether a name with these addresses may be called: all of them must be, and there must be one."""
    return bool(addresses) and all(policy.admits(address) for address in addresses)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for, where packets would go there."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)
