"""A service that cannot start says why in one line."""

import os
import subprocess
import sys

import pytest

NEEDED = {"DATABASE_URL": "postgresql://localhost/x", "KAFKA_BOOTSTRAP": "localhost:1", "OPS_PORT": "8601"}


@pytest.mark.parametrize("service", ["api", "scheduler", "caller", "billing"])
def test_a_wrong_setting_is_one_line_that_does_not_show_its_value(service: str) -> None:
    environment = {"PATH": os.environ["PATH"], **NEEDED, "DATABASE_URL": "mysql://user:sk-secret@db/x", "OPS_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("wrong settings: DATABASE_URL: ")
    assert "OPS_PORT: " in line
    assert "sk-secret" not in line
