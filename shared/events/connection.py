"""How the agent under test is reached. Secrets travel by reference, never by value."""

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.events.event import Part
from shared.events.fields import Name, Text

MAX_URL_CHARS = 2_048
MAX_SYSTEM_PROMPT_CHARS = 20_000


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


Connection = Annotated[BuiltinConnection | OpenAIConnection, Field(discriminator="kind")]

_CONNECTION: TypeAdapter[Connection] = TypeAdapter(Connection)
READ_CONNECTIONS = 1_024


@lru_cache(maxsize=READ_CONNECTIONS)
def read_connection(written: str) -> Connection:
    """Read a connection that was stored as JSON; the same text is read once."""
    return _CONNECTION.validate_json(written)
