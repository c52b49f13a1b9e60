"""What is missing is named, with what to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.missing import Missing, find_java, find_maven
from deploy.local.settings import ROOT

MAKE_ENV = ROOT / "deploy" / "local" / "make-env.sh"


def a_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"Java 17 or newer is missing.*apt-get install openjdk"):
        find_java()


def test_an_old_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    a_program(tmp_path, "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"Java 11 is too old.*17"):
        find_java()


def test_no_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"Maven is missing.*apt-get install maven"):
        find_maven()


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (None, "Python 3.11 or newer is missing"),
        ('case "$2" in *version_info*) exit 1;; esac', "Python 3.11 or newer is missing"),
        ('case "$2" in *venv*) exit 1;; esac', "apt-get install python3-venv"),
    ],
)
def test_no_python_or_no_venv(tmp_path: Path, python: str | None, sentence: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname", "mkdir"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    if python is not None:
        a_program(tools, "python3", python)
    done = subprocess.run(
        [str(shutil.which("sh")), str(MAKE_ENV)],
        env={**os.environ, "PATH": str(tools), "PYTHON3": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
