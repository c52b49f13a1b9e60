"""Arbitrary JSON, bytes and query strings, all of it from one seed."""

import json
import random
from typing import Any

STRINGS = (
    *("", " ", "agent", "phone_number", "outbound", "inbound", "bot", "sip", "true", "null", "1", "-1", "NaN"),
    *("+15551234567", "a\x00b", "👋" * 50, "ü", "\u2028", "\ufeff", "'; DROP TABLE runs; --", "%00", "x" * 10_001),
)
NUMBERS = (0, 1, -1, 1.0, 0.5, -0.0, 1e22, 1e300, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**40, 20, 21, 60, 61)
CONSTANTS = (True, False, None)
FIELDS = (
    *("target_type", "target_id", "direction", "target_number", "scenario_prompt", "mode", "consent_to_charge"),
    *("run_count", "stagger_seconds", "scenario_prompts", "name", "metadata", "idempotency_key", "__proto__", "code"),
)
PARAMETERS = (
    *("limit", "offset", "target_type", "status", "agent_id", "batch_id", "direction", "from_number", "to_number"),
    *("start_date", "end_date", "is_test_call", "run_id", "kind", "what", ""),
)
VALUES = (
    *("", "0", "1", "-1", "50", "200", "201", "9007199254740991", "9007199254740992", "9" * 400, "1.0", "1e3", "+1"),
    *("agent", "queued", "completed", "deposit", "inbound", "true", "false", "%00", "%FF", "%C3%BC", "%", "%zz", "%25"),
    *("2026-01-31", "2026-01-31T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59.999Z", "2026-W05-1", "20260131T1"),
    *("2026-01-31T00:00:00%2B23:59", "0001-01-01T00:00:00-23:59", "+15551234567", "%2B15551234567", "' OR 1=1", "ü"),
)
PATH_IDS = (
    *("0", "1", "01", "-1", "1.5", "abc", "9007199254740991", "9007199254740992", "%00", "%FF", "%2F", "..", "%2e%2e"),
    *("1;2", "1%201", "٣", "９", "9" * 3_000, "%0d%0a", "null", "true", "'", "1'--", "{id}", "%25", "*", "~"),
)


class Arbitrary:
    """A stream of arbitrary things."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def json(self, depth: int = 3) -> Any:
        kind = self.chance.randrange(8 if depth else 6)
        if kind < 3:
            return self.chance.choice(STRINGS)
        if kind < 5:
            return self.chance.choice(NUMBERS)
        if kind == 5:
            return self.chance.choice(CONSTANTS)
        if kind == 6:
            return [self.json(depth - 1) for _ in range(self.chance.randrange(4))]
        return {self.chance.choice((*FIELDS, *STRINGS)): self.json(depth - 1) for _ in range(self.chance.randrange(4))}

    def like(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body with up to three fields changed, added or dropped."""
        changed = dict(body)
        for _ in range(self.chance.randrange(4)):
            name = self.chance.choice(FIELDS)
            if self.chance.random() < 0.2:
                changed.pop(name, None)
            else:
                changed[name] = self.json()
        return changed

    def bytes_like(self, body: dict[str, Any]) -> bytes:
        """A written body with a few bytes changed, cut out or put in."""
        written = bytearray(json.dumps(body, ensure_ascii=self.chance.random() < 0.5).encode())
        for _ in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(written) + 1)
            match self.chance.randrange(4):
                case 0:
                    written[at : at + 1] = bytes([self.chance.randrange(256)])
                case 1:
                    written[at:at] = self.chance.choice(
                        (b"\x00", b"\xff", b'"', b"\\ud800", b"{", b"]", b"1e999", b",")
                    )
                case 2:
                    del written[at : at + self.chance.randint(1, 9)]
                case _:
                    written[at:] = written[at:] + written[: self.chance.randrange(9)]
        return bytes(written)

    def bytes(self) -> bytes:
        return self.chance.randbytes(self.chance.randrange(60))

    def query(self) -> str:
        choose = self.chance.choice
        pairs = (
            f"{choose(PARAMETERS)}{choose(('=', '=', '=', '', '=='))}{choose(VALUES)}"
            for _ in range(self.chance.randrange(5))
        )
        return self.chance.choice(("&", "&", "&&", ";")).join(pairs)

    def path_id(self) -> str:
        one, other = self.chance.choice(PATH_IDS), self.chance.choice(PATH_IDS)
        return self.chance.choice((one, one, one + other))
