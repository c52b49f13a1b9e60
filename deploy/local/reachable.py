"""Folders for a while that an unprivileged user can enter: root's temporary folders are closed to others."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARENT = Path("/var/tmp")  # noqa: S108 - the folders get random names
PREFIX = "rehearsal-pg-"


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Make a folder that others can enter; delete it at the end, and with it those of processes that were killed."""
    _sweep()
    with tempfile.TemporaryDirectory(
        prefix=f"{PREFIX}{os.getpid()}-", dir=PARENT, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _sweep() -> None:
    for folder in PARENT.glob(f"{PREFIX}*"):
        named = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if named and not Path(f"/proc/{named[1]}").exists() and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
