"""PROVISIONAL (replaced by the infra engineer): only TEST_* variables."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Infra:
    admin_database_url: str
    kafka_bootstrap: str
    description: str


@contextmanager
def start_infra() -> Iterator[Infra]:
    yield Infra(os.environ["TEST_DATABASE_URL"], os.environ.get("TEST_KAFKA_BOOTSTRAP", ""), "given")
