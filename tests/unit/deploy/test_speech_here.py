"""Where the speech server is: on this machine, unless another endpoint is set; and what is said where it cannot be."""

from pathlib import Path

import pytest

from deploy.local import plan, up
from deploy.local.missing import Missing
from deploy.local.service_settings import read_as_services_do
from deploy.local.settings import Settings
from deploy.local.speech import finding
from deploy.local.speech.flite import Flite


@pytest.fixture(autouse=True)
def _no_passwords_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plan, "ROLE_PASSWORDS", tmp_path / "roles.json")
    monkeypatch.setattr(plan, "PASSWORDS", tmp_path / "admin.json")


def caller_environment(settings: Settings, *, speaks: bool) -> dict[str, str]:
    programs = {program.name: program for program in plan.service_programs(settings, speaks=speaks)}
    return dict(programs["caller"].environment)


def test_the_caller_asks_the_server_that_runs_here() -> None:
    settings = Settings({"REHEARSAL_SPEECH_PORT": "9006"})
    assert caller_environment(settings, speaks=True)["SPEECH_BASE_URL"] == "http://127.0.0.1:9006/v1"
    assert plan.speech_program(settings).command[-1] == "9006"
    assert "SPEECH_BASE_URL" not in caller_environment(settings, speaks=False), "what is set is inherited"


def test_none_runs_here_where_another_endpoint_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "find_flite", lambda _: pytest.fail("nobody has to look for flite"))
    assert not up._may_speak(Settings({"SPEECH_BASE_URL": "https://speech.example/v1"}))


def test_where_nothing_can_speak_it_is_said_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No flite, no apt: macOS, or another Linux."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(up, "LOCAL", tmp_path / "local")
    assert not up._may_speak(Settings({}))
    assert "apt-get install flite" in capsys.readouterr().out


def a_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("apt", "said"),
    [
        ("echo 'E: no network' >&2; exit 100", "apt could not fetch it:\nE: no network"),
        ("touch flite.deb; exit 0", "could not be unpacked"),
    ],
)
def test_what_apt_cannot_fetch_is_named_and_nothing_half_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, apt: str, said: str
) -> None:
    tools, cache = tmp_path / "tools", tmp_path / "cache"
    tools.mkdir()
    a_program(tools, "apt-get", f"PATH=/usr/bin:/bin\n{apt}")
    a_program(tools, "dpkg", "exit 2")
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(Missing, match="apt-get install flite") as missing:
        finding.find_flite(cache)
    assert said in str(missing.value)
    assert [path.name for path in cache.iterdir()] == ["flite.lock"]


def test_a_flite_with_one_voice_for_all_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Some builds have kal alone, at 8 kHz, and speak with it whoever is asked for."""
    monkeypatch.setattr(Flite, "say", lambda *_: ([0.0], 8_000))
    a_program(tmp_path, "flite", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="flite is missing"):
        finding.find_flite(tmp_path / "cache")


def test_a_key_that_is_not_there_is_said_before_anything_starts() -> None:
    with pytest.raises(SystemExit, match="SPEECH_API_KEY_REF names NOT_THERE, which is not set"):
        read_as_services_do(Settings({"SPEECH_API_KEY_REF": "env:NOT_THERE"}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"SPEECH_BASE_URL": "speech:80"}, "SPEECH_BASE_URL must begin with http"),
        ({"SPEECH_API_KEY_REF": "NAME"}, "SPEECH_API_KEY_REF: must be env:NAME or file:name"),
        ({"SPEECH_LIMIT_SECONDS": "0"}, "SPEECH_LIMIT_SECONDS"),
    ],
)
def test_settings_that_cannot_work_are_named(values: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        read_as_services_do(Settings(values))
