"""Pages of a list by its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Which rows of a list: `limit` of them, from an offset, or next to a key (`backwards`: towards newer rows)."""

    limit: int
    offset: int = 0
    key: Key | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and keys next to which the neighbouring pages are (None: there is none that way)."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    is_exact: bool
    next_key: Key | None
    prev_key: Key | None
