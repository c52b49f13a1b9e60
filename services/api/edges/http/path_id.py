"""Ids in paths."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import BeforeValidator, Field

from shared.events.fields import MAX_ID


def _digits(given: Any) -> int:
    """Read an id in the one way in which ids are written."""
    if not (given.isascii() and given.isdigit() and given[0] != "0" and len(given) <= len(str(MAX_ID))):
        raise ValueError("must be an id")
    return int(given)


PathId = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_digits), Path()]
