"""Reads a service's settings, and says in one line what is wrong with them."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError

from shared.settings.service import ServiceSettings

Kind = TypeVar("Kind", bound=ServiceSettings)
MAX_TOLD = 5  # wrong settings in one line


def read_settings(kind: type[Kind]) -> Kind:
    """Read settings from the environment. Raises SystemExit with one line that names what is wrong, never its value."""
    try:
        return kind()
    except ValidationError as error:
        raise SystemExit(_told(error)) from None
    except SettingsError as error:  # a structured one that is no JSON
        raise SystemExit(f"wrong setting: {_field_of(str(error))}: must be JSON") from None


def _told(error: ValidationError) -> str:
    told = []
    for one in error.errors(include_url=False, include_input=False)[:MAX_TOLD]:
        name = ".".join([str(one["loc"][0]).upper(), *map(str, one["loc"][1:])]) if one["loc"] else ""
        said = one["msg"].removeprefix("Value error, ")
        told.append(f"{name}: {said[:1].lower()}{said[1:]}" if name else said)
    return f"wrong setting{'s' if len(told) > 1 else ''}: {'; '.join(told)}"


def _field_of(sentence: str) -> str:
    return sentence.partition('"')[2].partition('"')[0].upper()
