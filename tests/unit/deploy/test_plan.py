"""How long a caller may take to stop comes from its calls, not from a number that fits none of them."""

from pathlib import Path

import pytest

from deploy.local import plan
from deploy.local.settings import Settings
from shared.hooks.signing import read_secret


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 60 + 20 + 10 + 30),
        ({"HELD_MINUTES": "5"}, 300 + 20 + 10 + 30),
        ({"CALL_SPEED": "20"}, 60 + 20 + 10 + 30),
        ({"CALL_SPEED": "0.5"}, 120 + 20 + 10 + 30),
        ({"DRAIN_SECONDS": "7"}, 7 + 30),
    ],
)
def test_the_supervisor_kills_a_caller_only_after_its_calls_can_have_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, str], seconds: int
) -> None:
    monkeypatch.setattr(plan, "ROLE_PASSWORDS", tmp_path / "roles.json")
    monkeypatch.setattr(plan, "PASSWORDS", tmp_path / "admin.json")
    monkeypatch.setattr(plan, "HOOK_SECRETS", tmp_path / "hooks.json")
    programs = {program.name: program for program in plan.service_programs(Settings(settings))}
    assert programs["caller"].stop_seconds == seconds
    assert programs["billing"].stop_seconds == 30


def test_api_and_caller_are_told_of_the_same_recordings_and_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ROLE_PASSWORDS", "PASSWORDS", "HOOK_SECRETS"):
        monkeypatch.setattr(plan, name, tmp_path / name)
    shared = plan.shared_by_api_and_caller(Settings({}))
    assert set(shared) == {"INBOUND_WEBHOOK_SECRET", "RECORDING_URL_SECRET", "RECORDINGS_FOLDER"}
    read_secret(shared["INBOUND_WEBHOOK_SECRET"])
    for program in plan.service_programs(Settings({})):
        mine = shared if program.name in ("api", "caller") else {}
        assert {name: value for name, value in program.environment.items() if name in shared} == mine
    in_a_bucket = plan.shared_by_api_and_caller(Settings({"RECORDINGS_BUCKET": "b", "RECORDING_URL_SECRET": "mine"}))
    assert ("RECORDINGS_FOLDER" in in_a_bucket, in_a_bucket["RECORDING_URL_SECRET"]) == (False, "mine")
