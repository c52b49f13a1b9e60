"""Which proxy leads to an endpoint: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or one that is set for all."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpcore2

PROXY_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxies:
    """`by_scheme`: a proxy's URL for `http`, `https` or `all`. `direct`: NO_PROXY's hosts, networks and `*`."""

    by_scheme: dict[str, str]
    direct: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, given: str = "") -> "Proxies":
        """Return the environment's proxies; `given` replaces those for every scheme, and NO_PROXY stays."""
        known = getproxies()
        direct = tuple(part for one in known.get("no", "").split(",") if (part := one.strip().lower()))
        named = {"all": given} if given else {scheme: known[scheme] for scheme in PROXIED if known.get(scheme)}
        return cls({scheme: read_proxy(url) for scheme, url in named.items()}, direct)

    def leading_to(self, scheme: str, host: str) -> str | None:
        """Return the URL of the proxy for a host, None for a direct connection."""
        url = self.by_scheme.get(scheme) or self.by_scheme.get("all")
        if url is None or _is_here(host) or any(_is_meant(host.lower(), one) for one in self.direct):
            return None
        return url


PROXIED = ("http", "https", "all")


def read_proxy(url: str) -> str:
    """Return a proxy's URL with its scheme. Raises ValueError for what is no HTTP proxy."""
    url = url if "://" in url else f"http://{url}"
    parts = urlsplit(url)
    if parts.scheme not in PROXY_PORTS or not parts.hostname:
        raise ValueError("a proxy is written http://host:port or https://host:port")
    _ = parts.port  # raises ValueError for what is none
    return url


def proxy_at(url: str, trust: ssl.SSLContext) -> httpcore2.Proxy:
    """Return a proxy as httpcore2 knows it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    port = parts.port or PROXY_PORTS[parts.scheme]
    return httpcore2.Proxy(
        httpcore2.URL(scheme=parts.scheme.encode(), host=host, port=port, target=b"/"),
        auth=auth and (auth[0].encode(), auth[1].encode()),
        ssl_context=trust if parts.scheme == "https" else None,
    )


def _is_here(host: str) -> bool:
    """Say whether a host is this machine, to which no proxy leads (as Go's clients have it)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_meant(host: str, listed: str) -> bool:
    if listed == "*":
        return True
    try:
        return ip_address(host) in ip_network(listed.strip("[]"), strict=False)
    except ValueError:
        name = listed.removeprefix("*").removeprefix(".").partition(":")[0]
        return host == name or host.endswith("." + name)
