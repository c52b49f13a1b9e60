"""Secrets by reference: only what may be named, only below the folder, and no word about what is missing."""

from pathlib import Path

import pytest

from services.caller.domain.turn import PartyError
from services.caller.edges.secrets import MAX_SECRET_CHARS, Secrets

ENVIRON = {"AGENT_KEY_ACME": "sk-acme", "OTHER_KEY": "sk-other", "DATABASE_URL": "postgresql://secret"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of secrets beside one that is none of an agent's business."""
    (tmp_path / "outside").write_text("root's own")
    folder = tmp_path / "secrets"
    (folder / "acme").mkdir(parents=True)
    (folder / "acme" / "key").write_text("sk-file\n")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    return folder


def secrets(folder: Path | None = None) -> Secrets:
    return Secrets(("AGENT_KEY_", "PARTNER_"), folder, ENVIRON)


def test_an_environment_variable_with_an_allowed_prefix_is_a_secret() -> None:
    assert secrets().resolve("env:AGENT_KEY_ACME") == "sk-acme"


def test_a_file_below_the_folder_is_a_secret_without_its_last_newline(folder: Path) -> None:
    assert secrets(folder).resolve("file:acme/key") == "sk-file"


def test_no_reference_is_no_secret() -> None:
    assert secrets().resolve(None) == ""


def test_a_secret_is_cut_where_no_honest_one_is_so_long(folder: Path) -> None:
    (folder / "long").write_text("x" * (MAX_SECRET_CHARS + 1))
    assert len(secrets(folder).resolve("file:long")) == MAX_SECRET_CHARS


@pytest.mark.parametrize(
    "reference",
    [
        "env:DATABASE_URL",
        "env:OTHER_KEY",
        "env:AGENT_KEY_MISSING",
        "env:",
        "AGENT_KEY_ACME",
        "vault:AGENT_KEY_ACME",
        "",
        "file:",
        "file:missing",
        "file:acme",
        "file:../outside",
        "file:acme/../../outside",
        "file:link",
        "file:/etc/passwd",
        "file:" + "ü" * 200,
        "file:binary",
    ],
)
def test_what_may_not_be_named_or_is_not_there_is_refused_without_a_word_about_it(folder: Path, reference: str) -> None:
    with pytest.raises(PartyError) as refused:
        secrets(folder).resolve(reference)
    assert str(refused.value) == "The agent's API key is not known on this deployment"


def test_without_a_folder_there_are_no_files(folder: Path) -> None:
    with pytest.raises(PartyError):
        secrets(None).resolve(f"file:{folder}/acme/key")
