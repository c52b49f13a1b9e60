"""Where the chat completions of a `base_url` are: the usual ways to write it lead to the same place."""

from dataclasses import dataclass
from functools import lru_cache

import httpcore2
import httpx2

COMPLETIONS = "/chat/completions"
# What people copy from a manual instead of the base.
OTHER_ENDS = ("/chat", "/completions", "/responses", "/models")
AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
MAX_PORT = 65_535
AZURE_DEPLOYMENTS = "/openai/deployments/"
MAX_REMEMBERED_ADDRESSES = 1_000


class BadAddress(Exception):  # noqa: N818
    """A base_url that leads nowhere. The text completes "The agent's endpoint …"."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send a request, and in which header the key goes."""

    url: httpcore2.URL
    host: str
    key_header: str
    base: str  # what is known about an endpoint is remembered under it


@lru_cache(MAX_REMEMBERED_ADDRESSES)
def read_address(base_url: str, end: str = COMPLETIONS) -> Address:
    """Return where completions (or another `end`) are. Raises BadAddress.

    A path is taken as it is written (`/v1`, `/api/v1`, `/openai/deployments/x`), an address without one gets `/v1`;
    `end` at its end, slashes and a query (Azure's `api-version`) may be there or not.
    """
    try:
        url = httpx2.URL(base_url.strip())
        port = url.port
    except (httpx2.InvalidURL, ValueError):
        raise BadAddress("has an address that cannot be read") from None
    if url.scheme not in ("http", "https") or not url.host or not 0 < (1 if port is None else port) <= MAX_PORT:
        raise BadAddress("has an address that cannot be read")
    if url.userinfo:
        raise BadAddress("has a password in its address: keys are named by api_key_ref")
    host, path = url.netloc.decode("ascii"), _path(url, end)
    query = f"?{url.query.decode('ascii')}" if url.query else ""
    target = f"{path}{query}".encode("ascii")
    on_azure = AZURE_DEPLOYMENTS in path
    return Address(
        httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=port, target=target),
        host,
        "api-key" if on_azure else "Authorization",
        f"{url.scheme}://{host}{path}{query}",
    )


def _path(url: httpx2.URL, wanted: str) -> str:
    path = url.raw_path.partition(b"?")[0].decode("ascii").rstrip("/")
    if path.endswith(wanted):
        return path
    for end in OTHER_ENDS:
        path = path.removesuffix(end)
    if not path:
        path = "/openai/v1" if url.host.endswith(AZURE_HOSTS) else "/v1"
    return path + wanted
