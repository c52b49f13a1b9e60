"""Follow the directory: organisations, keys, agents and numbers, in the order in which they were published."""

from collections.abc import Sequence

from services.api.ports import Picture
from shared.events.directory import (
    AgentDeleted,
    AgentUpserted,
    ApiKeyIssued,
    ApiKeyRevoked,
    OrgUpserted,
    PhoneNumberDeleted,
    PhoneNumberUpserted,
)
from shared.messaging.messages import Heard, Say


async def upsert_orgs(picture: Picture, heard: Sequence[Heard[OrgUpserted]]) -> list[Say]:
    """Take over organisations; the last one of a poll counts."""
    await picture.upsert_orgs([one.event for one in heard])
    return []


async def issue_keys(picture: Picture, heard: Sequence[Heard[ApiKeyIssued]]) -> list[Say]:
    """Let keys in. A key that was revoked stays so, however often its issue is heard."""
    await picture.issue_keys([one.event for one in heard])
    return []


async def revoke_keys(picture: Picture, heard: Sequence[Heard[ApiKeyRevoked]]) -> list[Say]:
    """Let keys in no more."""
    await picture.revoke_keys([one.event for one in heard])
    return []


async def upsert_agents(picture: Picture, heard: Sequence[Heard[AgentUpserted]]) -> list[Say]:
    """Take over agents; the last one of a poll counts."""
    await picture.upsert_agents([one.event for one in heard])
    return []


async def delete_agents(picture: Picture, heard: Sequence[Heard[AgentDeleted]]) -> list[Say]:
    """Forget agents. What was accepted goes on: its request carries all it needs."""
    await picture.delete_agents([one.event for one in heard])
    return []


async def upsert_numbers(picture: Picture, heard: Sequence[Heard[PhoneNumberUpserted]]) -> list[Say]:
    """Take over phone numbers; the last one of a poll counts."""
    await picture.upsert_numbers([one.event for one in heard])
    return []


async def delete_numbers(picture: Picture, heard: Sequence[Heard[PhoneNumberDeleted]]) -> list[Say]:
    """Forget phone numbers."""
    await picture.delete_numbers([one.event for one in heard])
    return []
