"""Settings of the local system: from the file, from the environment, and as they were at the start."""

from pathlib import Path

import pytest

from deploy.local import running, settings
from deploy.local.settings import Settings, read_settings


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("# ports\nREHEARSAL_API_PORT=9000\nCALL_SPEED='3'\nnonsense\n")
    monkeypatch.setattr(settings, "LOCAL", tmp_path)
    assert read_settings().api_url == "http://127.0.0.1:9000"
    assert read_settings().values["CALL_SPEED"] == "3"
    monkeypatch.setenv("REHEARSAL_API_PORT", "9001")
    assert read_settings().api_url == "http://127.0.0.1:9001"


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "eighty"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(SystemExit, match="REHEARSAL_API_PORT"):
        Settings({"REHEARSAL_API_PORT": port}).port("REHEARSAL_API_PORT")


def test_what_runs_keeps_the_settings_it_was_started_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "FILE", tmp_path / "running.json")
    wanted = Settings({"REHEARSAL_API_PORT": "9001"})
    assert running.settings_in_force(wanted) == (wanted, [])
    running.remember(Settings({"CALL_SPEED": "12"}))
    in_force, differences = running.settings_in_force(wanted)
    assert in_force.api_url == "http://127.0.0.1:8600"
    assert sorted(sentence.split(":")[0] for sentence in differences) == [
        "CALL_SPEED is 12, not 1",
        "REHEARSAL_API_PORT is 8600, not 9001",
    ]
