"""How the agent under test is reached. Secrets travel by reference, never by value."""

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from shared.events.event import Part
from shared.events.fields import Name, ShortText, Text

MAX_URL_CHARS = 2_048
MAX_SYSTEM_PROMPT_CHARS = 20_000
MAX_PARAMETERS = 20
MAX_PARAMETER_NAME_CHARS = 64
MAX_PARAMETER_CHARS = 500
MAX_PORT = 65_535
# sip:user@host[:port][;transport=udp]: no password, no headers, no other parameters. Source: RFC 3261, 25.1.
SIP_URI = (
    r"^sip:(?:[A-Za-z0-9_.!~*'()&=+$,-]|%[0-9A-Fa-f]{2}){1,64}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[1-9][0-9]{0,4})?(?:;transport=udp)?\z"
)
HTTP_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\z"


def _with_a_port(uri: str) -> str:
    port = uri.partition("@")[2].partition(";")[0].rpartition("]")[2].rpartition(":")[2]
    if port.isdecimal() and ":" in uri.partition("@")[2].rpartition("]")[2] and int(port) > MAX_PORT:
        raise ValueError(f"must name a port up to {MAX_PORT}")
    return uri


SipUri = Annotated[str, Field(pattern=SIP_URI), AfterValidator(_with_a_port)]
WebSocketUrl = Annotated[Text, Field(max_length=MAX_URL_CHARS, pattern=r"^wss?://[^\s]+\z")]


class BuiltinConnection(Part):
    """The offline demo agent that the caller brings with it."""

    kind: Literal["builtin"] = "builtin"
    persona: Name = "support"


class OpenAIConnection(Part):
    """Any OpenAI-compatible chat endpoint."""

    kind: Literal["openai"]
    base_url: Annotated[Text, Field(max_length=MAX_URL_CHARS, pattern=r"^https?://[^\s]+\z")]
    model: Name
    api_key_ref: Name | None = None
    system_prompt: Annotated[Text, Field(max_length=MAX_SYSTEM_PROMPT_CHARS)] = ""


class SipConnection(Part):
    """An agent behind a SIP address. `username` and the password behind `credentials_ref` answer a digest challenge.

    The From user is the perceived caller id, with `display_name` where there is one; `asserted_identity` repeats it in
    a P-Asserted-Identity header.
    """

    kind: Literal["sip"]
    uri: SipUri
    transport: Literal["udp"] = "udp"
    username: Name | None = None
    credentials_ref: Name | None = None
    display_name: Name = ""
    asserted_identity: bool = True


ParameterName = Annotated[ShortText, Field(min_length=1, max_length=MAX_PARAMETER_NAME_CHARS)]
ParameterValue = Annotated[Text, Field(max_length=MAX_PARAMETER_CHARS)]


class WebSocketConnection(Part):
    """An agent that answers media streams as a carrier opens them. `auth_ref`: the secret that is `auth_header`."""

    kind: Literal["websocket"]
    url: WebSocketUrl
    protocol: Literal["twilio_media_streams"] = "twilio_media_streams"
    auth_header: Annotated[str, Field(pattern=HTTP_HEADER_NAME)] = "Authorization"
    auth_ref: Name | None = None
    parameters: Annotated[dict[ParameterName, ParameterValue], Field(default_factory=dict, max_length=MAX_PARAMETERS)]


class RealtimeConnection(Part):
    """An agent that is a model behind OpenAI's Realtime API, over a WebSocket with G.711 audio."""

    kind: Literal["realtime"]
    base_url: Annotated[Text, Field(max_length=MAX_URL_CHARS, pattern=r"^(?:ws|http)s?://[^\s]+\z")]
    model: Name
    api_key_ref: Name | None = None
    voice: Name = ""
    instructions: Annotated[Text, Field(max_length=MAX_SYSTEM_PROMPT_CHARS)] = ""


Connection = Annotated[
    BuiltinConnection | OpenAIConnection | SipConnection | WebSocketConnection | RealtimeConnection,
    Field(discriminator="kind"),
]

_CONNECTION: TypeAdapter[Connection] = TypeAdapter(Connection)
READ_CONNECTIONS = 1_024


@lru_cache(maxsize=READ_CONNECTIONS)
def read_connection(written: str) -> Connection:
    """Read a connection that was stored as JSON; the same text is read once."""
    return _CONNECTION.validate_json(written)
