"""Settings of the local system: from the file, from the environment, and as they were at the start."""

from pathlib import Path

import pytest

from deploy.local import running, settings
from deploy.local.service_settings import read_as_services_do
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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CHARGE_MULTIPLIER", "3", "CHARGE_MULTIPLIER is 2, not 3"),
        ("TARIFFS", '{"default": 9}', "TARIFFS is {'default': 8}, not {'default': 9}"),
        ("CORS_ORIGINS", "https://a.test, https://b.test", "CORS_ORIGINS is , not https://a.test,https://b.test"),
        ("CALLS_PER_PROCESS", "7", "CALLS_PER_PROCESS is 500, not 7"),
        ("LOG_LEVEL", "DEBUG", "LOG_LEVEL is INFO, not DEBUG"),
        ("TRACES_EXPORTER", "file", "TRACES_EXPORTER is none, not file"),
        ("AGENT_KEY_1_X", "sk-secret", "AGENT_KEY_1_X differs"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "token=sk-secret", "OTEL_EXPORTER_OTLP_HEADERS differs"),
        ("BOT_MIND", "openai", "caller cannot start: wrong setting: BOT_MIND=openai needs BOT_MODEL"),
    ],
)
def test_every_setting_that_differs_from_what_runs_is_named_and_no_secret_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, said: str
) -> None:
    monkeypatch.setattr(running, "FILE", tmp_path / "running.json")
    running.remember(Settings({"CALL_SPEED": "1.0"}))
    assert running.settings_in_force(Settings({"CALL_SPEED": "1"}))[1] == []
    (sentence,) = running.settings_in_force(Settings({name: value}))[1]
    assert sentence.startswith(said)
    assert "sk-secret" not in sentence + (tmp_path / "running.json").read_text()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"BOT_MIND": "openai"}, "caller cannot start: wrong setting: BOT_MIND=openai needs BOT_MODEL"),
        ({"BOT_MIND": "openai", "BOT_MODEL": "m", "BOT_BASE_URL": "mind:80"}, "caller cannot start: .*BOT_BASE_URL"),
        ({"BOT_MIND": "openai", "BOT_MODEL": "m", "BOT_API_KEY_REF": "env:NOT_SET"}, "NOT_SET, which is not set"),
        ({"BOT_MIND": "magic"}, "caller cannot start: wrong setting: BOT_MIND: "),
        ({"SECRETS_FOLDER": "/nowhere/at/all"}, "caller cannot start: wrong setting: SECRETS_FOLDER: must be a folder"),
        ({"TARIFFS": "8"}, "api cannot start: wrong setting: TARIFFS: "),
        ({"TARIFFS": "{cents"}, "api cannot start: wrong setting: TARIFFS: must be JSON"),
        ({"TARIFFS": '{"gold": 9}'}, "api cannot start: wrong setting: TARIFFS: needs a tariff named 'default'"),
        ({"CALL_SPEED": "0", "LOG_LEVEL": "loud"}, "cannot start: wrong setting"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence_before_anything_starts(values: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit, match=said) as stopped:
        read_as_services_do(Settings(values))
    assert "\n" not in str(stopped.value)
