"""Secrets by reference: an event names a secret, the deployment decides whose it is."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.caller.domain.turn import PartyError

MAX_SECRET_CHARS = 4_096
UNKNOWN = "The {what} is not known on this deployment"


@dataclass(frozen=True, slots=True)
class Secrets:
    """An organisation's secrets: `env:<prefix><org_id>_…`, and `file:<org_id>/…` below one folder (None: no files).

    A connection comes from outside and has its secret sent to an address of its choice: it may name what belongs to
    its own organisation alone. Another's is refused with the same words as one that is not there.
    """

    env_prefixes: Sequence[str] = ("AGENT_KEY_",)
    folder: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def resolve(self, org_id: int, reference: str | None, *, what: str = "agent's API key") -> str:
        """Return a secret of an organisation, `""` for no reference. Raises PartyError for any other."""
        if reference is None:
            return ""
        kind, _, name = reference.partition(":")
        secret = None
        if kind == "env" and any(name.startswith(f"{prefix}{org_id}_") for prefix in self.env_prefixes):
            secret = _sendable(self.environ.get(name))
        elif kind == "file" and self.folder is not None and name.startswith(f"{org_id}/"):
            secret = self._read(self.folder, str(org_id), name)
        if secret is None:
            raise PartyError(UNKNOWN.format(what=what))
        return secret

    @staticmethod
    def _read(folder: Path, own: str, name: str) -> str | None:
        with suppress(OSError, ValueError):  # a name that no file can have, a file that is no text
            home, path = (folder / own).resolve(), (folder / name).resolve()
            # A link may lead elsewhere in its own organisation's folder (as those of mounted secrets do).
            if home.name == own and home.is_relative_to(folder.resolve()) and path.is_relative_to(home):
                return _read_file(path)
        return None


def own_secret(reference: str | None, environ: Mapping[str, str] | None = None) -> str:
    """Return a secret that the operator names, who may name anything. Raises PartyError for one that is not there."""
    if reference is None:
        return ""
    kind, _, name = reference.partition(":")
    secret = None
    with suppress(OSError, ValueError):
        match kind:
            case "env":
                secret = _sendable((os.environ if environ is None else environ).get(name))
            case "file":
                secret = _read_file(Path(name))
    if secret is None:
        raise PartyError(UNKNOWN.format(what="test bot's API key"))
    return secret


def _read_file(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open() as file:
        return _sendable(file.read(MAX_SECRET_CHARS + 1)[:MAX_SECRET_CHARS])


def _sendable(secret: str | None) -> str | None:
    """Return a secret as a header carries it, None for one that no header can."""
    secret = secret[:MAX_SECRET_CHARS].strip() if secret is not None else None
    return secret if secret is None or (secret.isascii() and secret.isprintable()) else None
