"""Where the Realtime API of a `base_url` is: the usual ways to write it lead to the same place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit

from services.caller.edges.parties.chat.address import AZURE_HOSTS
from services.caller.edges.streams.failures import UNREADABLE_ADDRESS, NotOpened

SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
REALTIME = "/realtime"
# An address that names these says by itself which model answers.
NAMING_A_MODEL = ("model", "deployment", "call_id")


@dataclass(frozen=True, slots=True)
class RealtimeEndpoint:
    """A model behind a Realtime API. `key` was resolved already; `org_id` says whose it is."""

    base_url: str
    model: str
    org_id: int
    key: str = field(default="", repr=False)
    voice: str = ""
    instructions: str = field(default="", repr=False)


def realtime_url(endpoint: RealtimeEndpoint) -> str:
    """Return where a session is opened. Raises NotOpened."""
    try:
        parts = urlsplit(endpoint.base_url.strip())
        scheme, query = SCHEMES.get(parts.scheme.lower()), parse_qs(parts.query)
    except ValueError:
        raise NotOpened("not_allowed", UNREADABLE_ADDRESS) from None
    if scheme is None:
        raise NotOpened("not_allowed", UNREADABLE_ADDRESS)
    path = parts.path.rstrip("/")
    if not path:
        path = "/openai/v1" if _on_azure(endpoint) else "/v1"
    path = path if path.endswith(REALTIME) else path + REALTIME
    asked = parts.query
    if not any(name in query for name in NAMING_A_MODEL):
        asked = f"{asked}&model={quote(endpoint.model)}".lstrip("&")
    return f"{scheme}://{parts.netloc}{path}?{asked}"


def realtime_headers(endpoint: RealtimeEndpoint) -> Mapping[str, str]:
    """Return what the handshake carries."""
    if not endpoint.key:
        return {}
    return {"api-key": endpoint.key} if _on_azure(endpoint) else {"Authorization": f"Bearer {endpoint.key}"}


def _on_azure(endpoint: RealtimeEndpoint) -> bool:
    return (urlsplit(endpoint.base_url.strip()).hostname or "").endswith(AZURE_HOSTS)
