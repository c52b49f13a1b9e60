"""Keys are remembered for a moment: guessing costs no queries, and a revocation is effective within five seconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

import pytest

from services.api.edges.db.key_ring import MAX_REMEMBERED_KEYS, KeyRing
from shared.db.database import Database


@dataclass
class Row:
    org_id: int
    key_sha256: str


@dataclass
class Keys:
    """A database of keys that counts how often it is asked."""

    orgs: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Keys"]:
        yield self

    async def row(self, _: str, *, digest: str) -> Any:
        self.asked += 1
        for key, org_id in self.orgs.items():
            if sha256(key.encode()).hexdigest() == digest:
                return Row(org_id, digest)
        return None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def a_ring(**orgs: int) -> tuple[KeyRing, Keys, Clock]:
    keys, clock = Keys(orgs), Clock()
    return KeyRing(cast(Database, keys), clock), keys, clock


async def test_a_key_is_looked_up_once_in_a_moment_whether_it_is_known_or_not() -> None:
    ring, keys, _ = a_ring(sk_a=1)
    assert [await ring.org_of(key) for key in ("sk_a", "sk_a", "sk_b", "sk_b")] == [1, 1, None, None]
    assert keys.asked == 2


async def test_a_revoked_key_is_forgotten_within_five_seconds() -> None:
    ring, keys, clock = a_ring(sk_a=1)
    assert await ring.org_of("sk_a") == 1
    keys.orgs.clear()
    clock.now += 5
    assert await ring.org_of("sk_a") is None


async def test_asking_again_does_not_prolong_the_moment() -> None:
    ring, keys, clock = a_ring(sk_a=1)
    await ring.org_of("sk_a")
    keys.orgs.clear()
    for _ in range(5):
        clock.now += 1
        last = await ring.org_of("sk_a")
    assert last is None


async def test_what_is_remembered_is_bounded() -> None:
    ring, _, _ = a_ring()
    for number in range(MAX_REMEMBERED_KEYS + 10):
        await ring.org_of(f"sk_{number}")
    assert len(ring._remembered) <= MAX_REMEMBERED_KEYS


@pytest.mark.parametrize(("seconds", "asked"), [(0.0, 1), (1.9, 1), (2.0, 2), (4.9, 2)])
async def test_a_key_is_remembered_for_two_seconds(seconds: float, asked: int) -> None:
    ring, keys, clock = a_ring(sk_a=1)
    await ring.org_of("sk_a")
    clock.now += seconds
    assert await ring.org_of("sk_a") == 1
    assert keys.asked == asked


async def test_as_many_keys_are_remembered_as_there_may_be() -> None:
    ring, keys, _ = a_ring()
    for _ in range(2):
        for number in range(MAX_REMEMBERED_KEYS):
            await ring.org_of(f"sk_{number}")
    assert keys.asked == MAX_REMEMBERED_KEYS
