"""How long a caller may take to stop comes from its calls, not from a number that fits none of them."""

from pathlib import Path

import pytest

from deploy.local import plan
from deploy.local.settings import Settings


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
    programs = {program.name: program for program in plan.service_programs(Settings(settings))}
    assert programs["caller"].stop_seconds == seconds
    assert programs["billing"].stop_seconds == 30
