"""Other people's SIP stacks for tests: the machine's own, or Debian's packages unpacked under `.local/`.

Unpacked, not installed: no root is needed, and no server starts that nobody asked for.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.missing import Missing

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "sip-peers"
PACKAGES = {"sipp": "sip-tester", "kamailio": "kamailio", "baresip": "baresip-core"}
DOWNLOAD_LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Stack:
    """A program, the folder that its own files are below (`/` or where it was unpacked), and what it finds them by."""

    program: Path
    root: Path
    environ: dict[str, str]

    def folder(self, pattern: str) -> Path:
        """Return the one folder of its files that fits. Raises Missing."""
        for found in sorted(self.root.glob(pattern)):
            return found
        raise Missing(f"{self.program.name} was found, but not its {pattern}")


def find_stack(name: str) -> Stack:
    """Find a program, or fetch it. Raises Missing, which says what to install."""
    on_path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if on_path is not None:
        return Stack(Path(on_path), Path("/"), dict(os.environ))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:  # tests in several processes ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = FOLDER / name
        if not (root / "complete").exists():
            _fetch(PACKAGES[name], root)
            (root / "complete").touch()
    program = next((path for path in (root / "usr/bin" / name, root / "usr/sbin" / name) if path.exists()), None)
    if program is None:
        raise _missing(PACKAGES[name])
    libraries = ":".join(str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return Stack(program, root, dict(os.environ) | {"LD_LIBRARY_PATH": libraries})


def _fetch(package: str, root: Path) -> None:
    """Download a package, with what it needs and is not installed here, and unpack them."""
    debs = FOLDER / f"{package}-debs"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    try:
        if not (needed := _needed(package)):
            _run(["apt-get", "update", "-qq"], debs)
            needed = _needed(package)
        _run(["apt-get", "download", "-qq", *needed], debs)
        for deb in sorted(debs.glob("*.deb")):
            _run(["dpkg", "-x", str(deb), str(root)], debs)
    except (OSError, subprocess.SubprocessError) as error:
        raise _missing(package) from error
    finally:
        shutil.rmtree(debs, ignore_errors=True)


def _needed(package: str) -> list[str]:
    listed = subprocess.run(
        ["apt-get", "install", "--print-uris", "-qq", "-y", "--no-install-recommends", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=DOWNLOAD_LIMIT_SECONDS,
    )
    return re.findall(r"^'\S+' ([^_\s]+)_\S+\.deb ", listed.stdout, re.MULTILINE)


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=DOWNLOAD_LIMIT_SECONDS,
    )  # fmt: skip


def _missing(package: str) -> Missing:
    return Missing(f"{package} is missing and could not be fetched. Install it: apt-get install {package}")
