"""PostgreSQL without Docker and without the machine's own: from the wheel, as root too, out of a closed folder."""

import os
import shutil
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.ports import free_port
from deploy.local.reachable import reachable_folder

pytestmark = pytest.mark.integration


async def test_the_wheels_server_runs_from_a_folder_that_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_POSTGRES_FROM_WHEEL", "1")
    wheels, source = postgres.find_binaries()
    assert "wheel" in source
    package = wheels.parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    monkeypatch.setattr(postgres, "find_binaries", lambda: (closed / package.name / "pginstall" / "bin", "closed"))
    with reachable_folder() as reachable:
        server = postgres.prepare(tmp_path / "data", free_port(), "secret", reachable)
        assert (server.user is None) == (os.getuid() != 0), "never as root"
        with postgres.running(server, tmp_path / "log", postgres.FOR_TESTS):
            connection = await asyncpg.connect(server.url("secret"))
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(server.url("wrong"))


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with reachable_folder() as reachable:
        server = postgres.prepare(tmp_path / "data", free_port(), "secret", reachable)
        running = postgres.running(server, tmp_path / "log", {"shared_buffers": "nonsense"})
        with pytest.raises(SystemExit, match="shared_buffers"), running:
            raise AssertionError("it must not start")


def test_data_that_are_gone_are_not_begun_anew_in_silence(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "gone")
    with pytest.raises(SystemExit, match="make clean-data"):
        postgres._reachable_data(tmp_path / "data", tmp_path)
