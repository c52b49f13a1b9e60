"""The demo's data, published as the platform's other services would: the only way in.

Keys are made once, at random, and kept in a file of mode 600; `ApiKeyIssued` carries their digests alone.
"""

import asyncio
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import httpx2

from deploy.publish.platform import platform
from shared.events.connection import BuiltinConnection
from shared.events.directory import AgentUpserted, ApiKeyIssued, OrgUpserted, PhoneNumberUpserted
from shared.events.event import Event
from shared.events.payments import FundsDeposited

ROOT = Path(__file__).parents[2]
KEYS_FILE = ROOT / ".local" / "demo-keys.json"
ORG_ID, SECOND_ORG_ID = 1001, 2002
AGENT_ID, OTHER_AGENT_ID, SECOND_AGENT_ID = 101, 102, 201
PHONE_NUMBER_ID = 301
PHONE_NUMBER = "+15555550123"
DEPOSIT_CENTS = 50_000
KNOWN_WITHIN_SECONDS = 30.0
POLL_SECONDS = 0.1
MAX_KEY_ID = 2**53 - 1


def keys_of(file: Path) -> dict[str, Any]:
    """Return the demo's keys and ids, made at the first call."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "api_key": f"sk_demo_{secrets.token_urlsafe(24)}",
            "key_id": secrets.randbelow(MAX_KEY_ID) + 1,
            "agent_id": AGENT_ID,
            "other_agent_id": OTHER_AGENT_ID,
            "phone_number_id": PHONE_NUMBER_ID,
            "second_api_key": f"sk_demo_{secrets.token_urlsafe(24)}",
            "second_key_id": secrets.randbelow(MAX_KEY_ID) + 1,
            "second_agent_id": SECOND_AGENT_ID,
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(made, out)
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


def demo_events(keys: dict[str, Any]) -> list[Event]:
    """Return the demo's directory and deposit. Publishing them again changes nothing."""
    support = BuiltinConnection(persona="support")
    return [
        OrgUpserted(org_id=ORG_ID, name="Demo organisation"),
        _issued(ORG_ID, keys["key_id"], keys["api_key"]),
        AgentUpserted(org_id=ORG_ID, agent_id=AGENT_ID, name="Ann", voice="demo", connection=support),
        AgentUpserted(org_id=ORG_ID, agent_id=OTHER_AGENT_ID, name="Ben", voice="demo", connection=support),
        PhoneNumberUpserted(
            org_id=ORG_ID,
            phone_number_id=PHONE_NUMBER_ID,
            number=PHONE_NUMBER,
            label="Support line",
            inbound_agent_id=AGENT_ID,
            outbound_agent_id=OTHER_AGENT_ID,
        ),
        FundsDeposited(org_id=ORG_ID, deposit_id="demo-welcome", amount_cents=DEPOSIT_CENTS),
        OrgUpserted(org_id=SECOND_ORG_ID, name="Second organisation, without funds"),
        _issued(SECOND_ORG_ID, keys["second_key_id"], keys["second_api_key"]),
        AgentUpserted(org_id=SECOND_ORG_ID, agent_id=SECOND_AGENT_ID, name="Cleo", connection=support),
    ]


def _issued(org_id: int, key_id: int, key: str) -> ApiKeyIssued:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return ApiKeyIssued(org_id=org_id, key_id=key_id, kind="secret", key_sha256=digest, hint=key[-4:])


async def seed(bootstrap: str, api_url: str, keys_file: Path) -> dict[str, Any]:
    """Publish the demo's data and wait until the API shows them."""
    keys = await asyncio.to_thread(keys_of, keys_file)
    async with platform(bootstrap) as publisher:
        await publisher.publish(demo_events(keys))
    async with httpx2.AsyncClient(base_url=api_url, trust_env=False) as client, asyncio.timeout(KNOWN_WITHIN_SECONDS):
        while not await _known(client, keys["api_key"], with_funds=True):  # noqa: ASYNC110 - asks another process
            await asyncio.sleep(POLL_SECONDS)
        while not await _known(client, keys["second_api_key"], with_funds=False):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    return keys


async def _known(client: httpx2.AsyncClient, key: str, *, with_funds: bool) -> bool:
    answer = await client.get("/v1/billing", headers={"Authorization": f"Bearer {key}"})
    return answer.status_code == 200 and (not with_funds or answer.json()["balance_cents"] > 0)
