"""The watch over the books as `make up` runs it: a process with metrics that ends when it is told to."""

import asyncio
import os
import subprocess
from pathlib import Path

import httpx2
import pytest

from deploy.books.kinds import KINDS
from deploy.books.sources import SCHEMAS
from deploy.local import plan
from deploy.local.children import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.settings import Settings
from deploy.local.supervision import Program
from tests.support.databases import TestDatabase
from tests.support.exposed import BOOKS, names_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def start(program: Program, file: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **program.environment}
    with file.open("wb") as log:
        return subprocess.Popen(
            list(program.command), cwd=ROOT, env=environment, stdout=log, stderr=log, preexec_fn=dies_with_parent
        )


async def test_it_serves_what_it_found_until_it_is_told_to_stop(
    test_database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    urls = {schema: test_database.url(schema) for schema in SCHEMAS}
    monkeypatch.setattr(plan, "service_urls", lambda _: urls)
    program = plan.books_program(Settings({"REHEARSAL_BOOKS_PORT": str(port)}))
    process = start(program, tmp_path / "books.log")
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                assert process.poll() is None, (tmp_path / "books.log").read_text()
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await eventually(ready, within_seconds=60, what="the watch has looked")
            metrics = (await client.get("/metrics")).text
            assert all(f'rehearsal_books_leaks{{kind="{kind}"}} 0.0' in metrics for kind in KINDS)
            assert 'rehearsal_books_looked_at_seconds{kind="whole"}' in metrics
            assert names_in(metrics) == set(BOOKS)
    finally:
        process.terminate()
        code = await asyncio.to_thread(process.wait, 30)
    assert code == 0, (tmp_path / "books.log").read_text()
