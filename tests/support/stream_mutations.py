"""Valid messages, spoilt at random and repeatably."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**400, "", "\x00", "ü" * 50, "\ud800", "=" * 9, "/v8=" * 400, [], {}, [[]], {"": {}},
    "9" * 5_000, [0] * 500,
)  # fmt: skip
DEPTH = 5_000


def spoilt(messages: Sequence[dict[str, Any]], seed: int, count: int) -> Iterator[bytes]:
    """Return that many mutations of messages."""
    chance = random.Random(seed)
    for _ in range(count):
        message = chance.choice(messages)
        if chance.random() < 0.5:
            yield json.dumps(_with_a_strange_value(chance, message)).encode()
        else:
            yield _with_strange_bytes(chance, json.dumps(message).encode())


def _with_a_strange_value(chance: random.Random, message: Any) -> Any:
    """Replace, rename or remove one value, at any depth."""
    if not isinstance(message, dict) or not message or chance.random() < 0.2:
        return chance.choice(STRANGE)
    name = chance.choice(list(message))
    rest = {key: value for key, value in message.items() if key != name}
    match chance.randrange(4):
        case 0:
            return rest
        case 1:
            return rest | {name[:-1]: message[name]}
        case _:
            return rest | {name: _with_a_strange_value(chance, message[name])}


def _with_strange_bytes(chance: random.Random, written: bytes) -> bytes:
    at = chance.randrange(len(written))
    match chance.randrange(7):
        case 0:
            return written[:at]
        case 1:
            return written[:at] + bytes([chance.randrange(256)]) + written[at + 1 :]
        case 2:
            return written[:at] + written[at + chance.randrange(1, 20) :]
        case 3:
            return written[:at] + written[chance.randrange(len(written)) :]
        case 4:
            return written + written
        case 5:
            return written[:at] + chance.choice((b"[", b'{"a":')) * DEPTH + written[at:]
        case _:
            return written[:at] + chance.choice((b"\x00", b"\xff\xfe", b"\\u0000", b"NaN", b"1e999")) + written[at:]
