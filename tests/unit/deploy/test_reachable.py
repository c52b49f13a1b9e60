"""Folders for PostgreSQL's user: open to others while they are needed, and swept when their process was killed."""

import os
from pathlib import Path

import pytest

from deploy.local import reachable

NO_PROCESS = 2**22 + 1  # above the kernel's largest pid


def test_it_can_be_entered_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reachable, "PARENT", tmp_path)
    with reachable.reachable_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o711
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reachable, "PARENT", tmp_path)
    for name in (f"rehearsal-pg-{NO_PROCESS}-x", f"rehearsal-pg-{os.getpid()}-x", "rehearsal-pg-other", "else"):
        (tmp_path / name / "postgres").mkdir(parents=True)
    with reachable.reachable_folder():
        pass
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"rehearsal-pg-{os.getpid()}-x", "rehearsal-pg-other", "else"}
