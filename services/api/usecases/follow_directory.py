"""Follow the directory: organisations, keys, agents and numbers. Of each the newer fact counts, in any order."""

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
    """Take over organisations."""
    await picture.upsert_orgs(heard)
    return []


async def issue_keys(picture: Picture, heard: Sequence[Heard[ApiKeyIssued]]) -> list[Say]:
    """Let keys in. A key that was revoked stays so, however often its issue is heard."""
    await picture.issue_keys(heard)
    return []


async def revoke_keys(picture: Picture, heard: Sequence[Heard[ApiKeyRevoked]]) -> list[Say]:
    """Let keys in no more, not even those whose issue is heard later."""
    await picture.revoke_keys([one.event for one in heard])
    return []


async def upsert_agents(picture: Picture, heard: Sequence[Heard[AgentUpserted]]) -> list[Say]:
    """Take over agents."""
    await picture.upsert_agents(heard)
    return []


async def delete_agents(picture: Picture, heard: Sequence[Heard[AgentDeleted]]) -> list[Say]:
    """Forget agents. What was accepted goes on: its request carries all it needs."""
    await picture.delete_agents(heard)
    return []


async def upsert_numbers(picture: Picture, heard: Sequence[Heard[PhoneNumberUpserted]]) -> list[Say]:
    """Take over phone numbers."""
    await picture.upsert_numbers(heard)
    return []


async def delete_numbers(picture: Picture, heard: Sequence[Heard[PhoneNumberDeleted]]) -> list[Say]:
    """Forget phone numbers."""
    await picture.delete_numbers(heard)
    return []
