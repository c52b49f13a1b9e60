"""flite: the machine's own, or else Debian's packages, fetched by apt and unpacked without root."""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.missing import Missing
from deploy.local.speech.flite import Flite, FliteFailed

PACKAGES = ("flite", "libflite1", "libasound2")
FETCH_SECONDS = 300.0
INSTALL = "Install it, for example: apt-get install flite"


def find_flite(cache: Path) -> Flite:
    """Return flite; fetch it into `cache` where the machine has none. Raises Missing."""
    if (program := shutil.which("flite")) is not None and _speaks(own := Flite(Path(program))):
        return own
    unpacked = cache / "flite"
    if (kept := _in(unpacked)) is not None:
        return kept
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        raise Missing(f"flite is missing: it speaks for the test bot ({platform.system()} without apt). {INSTALL}")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "flite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (kept := _in(unpacked)) is not None:
            return kept
        partial = Path(tempfile.mkdtemp(dir=cache, prefix="flite-partial-"))
        try:
            _fetch(apt, partial)
            for package in partial.glob("*.deb"):
                subprocess.run([dpkg, "-x", str(package), str(partial / "root")], check=True, capture_output=True)
                package.unlink()
            if _in(partial / "root") is None:
                raise Missing(f"flite is missing, and what Debian has of it does not run here. {INSTALL}")
            shutil.rmtree(unpacked, ignore_errors=True)
            (partial / "root").rename(unpacked)
        except (OSError, subprocess.SubprocessError) as error:
            raise Missing(f"flite is missing, and could not be unpacked ({type(error).__name__}). {INSTALL}") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    found = _in(unpacked)
    if found is None:
        raise Missing(f"flite is missing. {INSTALL}")
    return found


def _fetch(apt: str, folder: Path) -> None:
    """Fetch the packages, whose signed lists apt checks; where it has no lists yet, with lists of our own."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    own_lists = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}", "-o", "Debug::NoLocking=1"]
    environment = {**os.environ, "LC_ALL": "C"}
    for commands in ([["download", *PACKAGES]], [[*own_lists, "update"], [*own_lists, "download", *PACKAGES]]):
        done = [
            subprocess.run(
                [apt, "-q", *command], cwd=folder, capture_output=True, text=True, check=False, env=environment,
                timeout=FETCH_SECONDS, stdin=subprocess.DEVNULL,
            )
            for command in commands
        ]  # fmt: skip
        if done[-1].returncode == 0:
            return
    raise Missing(f"flite is missing, and apt could not fetch it:\n{done[-1].stderr[-1_000:].strip()}\n{INSTALL}")


def _in(root: Path) -> Flite | None:
    program = root / "usr" / "bin" / "flite"
    libraries = next((root / "usr" / "lib").glob("*/libflite.so.1"), None)
    if not program.is_file() or libraries is None:
        return None
    found = Flite(program, libraries.parent)
    return found if _speaks(found) else None


def _speaks(flite: Flite) -> bool:
    """Say whether it has our voices: some builds have one alone, which speaks for all others."""
    try:
        samples, rate_hz = flite.say("Hello.", "rms")
    except FliteFailed:
        return False
    return rate_hz == 16_000 and len(samples) > 0  # the voice that speaks for all others has 8 kHz
