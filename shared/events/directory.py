"""Topic `platform-directory`: organisations, keys, agents and numbers, as other platform services publish them."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.connection import Connection, SipUri
from shared.events.event import Event
from shared.events.fields import E164, Id, Name, Sha256Hex

DEFAULT_MAX_CONCURRENT_RUNS = 20
DEFAULT_MAX_QUEUED_RUNS = 200
DEFAULT_MAX_QUEUE_SECONDS = 3_600


class OrgUpserted(Event):
    org_id: Id
    name: Name
    max_concurrent_runs: Annotated[int, Field(strict=True, ge=0, le=100_000)] = DEFAULT_MAX_CONCURRENT_RUNS
    max_queued_runs: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = DEFAULT_MAX_QUEUED_RUNS
    max_queue_seconds: Annotated[int, Field(strict=True, ge=1, le=7 * 86_400)] = DEFAULT_MAX_QUEUE_SECONDS


class ApiKeyIssued(Event):
    """A key exists. Only the SHA-256 of the whole key travels; `hint` is its last four characters, for people."""

    org_id: Id
    key_id: Id
    kind: Literal["secret", "publishable"]
    key_sha256: Sha256Hex
    hint: Annotated[str, Field(max_length=8)] = ""


class ApiKeyRevoked(Event):
    org_id: Id
    key_id: Id


class AgentUpserted(Event):
    org_id: Id
    agent_id: Id
    name: Name
    product: Name = "default"
    voice: Name = ""
    connection: Connection


class AgentDeleted(Event):
    org_id: Id
    agent_id: Id


class PhoneNumberUpserted(Event):
    """`inbound_agent_id` answers calls to the number; `outbound_agent_id` places calls from it.

    `sip_uri`: where the number is reached by SIP.
    """

    org_id: Id
    phone_number_id: Id
    number: E164
    label: Name
    inbound_agent_id: Id | None = None
    outbound_agent_id: Id | None = None
    sip_uri: SipUri | None = None


class PhoneNumberDeleted(Event):
    org_id: Id
    phone_number_id: Id
