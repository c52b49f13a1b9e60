"""Secrets by reference: only one's own, only below the folder, and no word about what is missing or another's."""

from pathlib import Path

import pytest

from services.caller.domain.turn import PartyError
from services.caller.edges.secrets import MAX_SECRET_CHARS, Secrets, own_secret

ENVIRON = {
    "AGENT_KEY_7_CRM": "sk-crm\n",
    "AGENT_KEY_12_CRM": "sk-others",
    "PARTNER_7_": "sk-partner",
    "AGENT_KEY_7_ODD": "sk-with\nanother: header",
    "AGENT_KEY_CRM": "sk-nobody's",
    "OTHER_KEY": "sk-other",
    "DATABASE_URL": "postgresql://secret",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with secrets of organisations 7 and 8, beside a file that is none of an agent's business."""
    (tmp_path / "outside").write_text("root's own")
    folder = tmp_path / "secrets"
    for org_id in ("7", "8"):
        (folder / org_id / "crm").mkdir(parents=True)
        (folder / org_id / "crm" / "key").write_text(f"sk-file-{org_id}\n")
    (folder / "key").write_text("sk-nobody's")
    (folder / "7" / "outside").symlink_to(tmp_path / "outside")
    (folder / "7" / "others").symlink_to(folder / "8" / "crm" / "key")
    (folder / "7" / "others-folder").symlink_to(folder / "8")
    (folder / "7" / "own").symlink_to(folder / "7" / "crm" / "key")
    (folder / "9").symlink_to(folder / "8")
    (folder / "7" / "binary").write_bytes(b"\xff\xfe\x00")
    return folder


def secrets(folder: Path | None = None) -> Secrets:
    return Secrets(("AGENT_KEY_", "PARTNER_"), folder, ENVIRON)


def test_an_environment_variable_with_a_prefix_and_the_organisation_is_a_secret() -> None:
    assert secrets().resolve(7, "env:AGENT_KEY_7_CRM") == "sk-crm"
    assert secrets().resolve(12, "env:AGENT_KEY_12_CRM") == "sk-others"
    assert secrets().resolve(7, "env:PARTNER_7_") == "sk-partner"


def test_a_file_below_the_organisation_s_folder_is_a_secret_without_its_last_newline(folder: Path) -> None:
    assert secrets(folder).resolve(7, "file:7/crm/key") == "sk-file-7"
    assert secrets(folder).resolve(7, "file:7/own") == "sk-file-7"


def test_a_folder_that_is_mounted_by_links_is_read(tmp_path: Path) -> None:
    version = tmp_path / "..2026_03_01"
    (version / "7").mkdir(parents=True)
    (version / "7" / "key").write_text("sk-mounted")
    (tmp_path / "..data").symlink_to(version.name)
    (tmp_path / "7").symlink_to("..data/7")
    assert secrets(tmp_path).resolve(7, "file:7/key") == "sk-mounted"


def test_no_reference_is_no_secret() -> None:
    assert secrets().resolve(7, None) == ""
    assert own_secret(None) == ""


def test_a_secret_is_cut_where_no_honest_one_is_so_long(folder: Path) -> None:
    (folder / "7" / "long").write_text("x" * (MAX_SECRET_CHARS + 1))
    assert len(secrets(folder).resolve(7, "file:7/long")) == MAX_SECRET_CHARS


OTHERS = {
    1: ["env:AGENT_KEY_12_CRM", "env:AGENT_KEY_7_CRM", "file:7/crm/key", "env:AGENT_KEY_1_CRM"],
    9: ["file:9/crm/key", "file:8/crm/key", "file:9/"],
    7: [
        "env:DATABASE_URL",
        "env:OTHER_KEY",
        "env:AGENT_KEY_CRM",
        "env:AGENT_KEY_7",
        "env:AGENT_KEY_7_MISSING",
        "env:AGENT_KEY_7_ODD",
        "env:AGENT_KEY_07_CRM",
        "env:AGENT_KEY_12_CRM",
        "env: AGENT_KEY_7_CRM",
        "env:",
        "AGENT_KEY_7_CRM",
        "vault:AGENT_KEY_7_CRM",
        "",
        "file:",
        "file:key",
        "file:7",
        "file:7/",
        "file:7/missing",
        "file:7/crm",
        "file:7/../8/crm/key",
        "file:7/../key",
        "file:7/crm/../../8/crm/key",
        "file:7/../../outside",
        "file:7/outside",
        "file:7/others",
        "file:7/others-folder/crm/key",
        "file:7//etc/passwd",
        "file:07/crm/key",
        "file:./7/crm/key",
        "file:/7/crm/key",
        "file:8/crm/key",
        "file:../outside",
        "file:/etc/passwd",
        "file:7/" + "ü" * 200,
        "file:7/\x00",
        "file:7/binary",
    ],
}


@pytest.mark.parametrize(("org_id", "reference"), [(org, name) for org, names in OTHERS.items() for name in names])
def test_what_may_not_be_named_or_is_not_there_is_refused_without_a_word_about_it(
    folder: Path, org_id: int, reference: str
) -> None:
    with pytest.raises(PartyError) as refused:
        secrets(folder).resolve(org_id, reference)
    assert str(refused.value) == "The agent's API key is not known on this deployment"


def test_without_a_folder_there_are_no_files(folder: Path) -> None:
    with pytest.raises(PartyError):
        secrets(None).resolve(7, "file:7/crm/key")


def test_the_operator_names_any_secret_for_the_bot(folder: Path) -> None:
    assert own_secret("env:OTHER_KEY", ENVIRON) == "sk-other"
    assert own_secret(f"file:{folder}/key") == "sk-nobody's"
    with pytest.raises(PartyError, match="test bot's API key is not known"):
        own_secret("env:MISSING", ENVIRON)
