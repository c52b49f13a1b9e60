"""Secrets by reference: an event names a secret, the deployment decides which names it may name."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.caller.domain.turn import PartyError

MAX_SECRET_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class Secrets:
    """`env:NAME` for names with an allowed prefix, `file:name` below one folder (none: no files).

    The prefixes keep an agent's connection, which comes from outside, from naming our own secrets and sending them to
    an address of its choice.
    """

    env_prefixes: Sequence[str] = ("AGENT_KEY_",)
    folder: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    whose: str = "agent"

    def resolve(self, reference: str | None) -> str:
        """Return the secret, `""` for no reference. Raises PartyError for what may not be named or is not there."""
        if reference is None:
            return ""
        kind, _, name = reference.partition(":")
        if kind == "env" and name.startswith(tuple(self.env_prefixes)) and name in self.environ:
            return self.environ[name][:MAX_SECRET_CHARS]
        if kind == "file" and self.folder is not None:
            with suppress(OSError, ValueError):  # a name that no file can have, a file that is no text
                path = (self.folder / name).resolve()
                if path.is_relative_to(self.folder.resolve()) and path.is_file():
                    return path.read_text()[:MAX_SECRET_CHARS].strip()
        raise PartyError(f"The {self.whose}'s API key is not known on this deployment")
