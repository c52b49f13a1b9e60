"""`make down`: stop everything; the data stay. With --data, delete them as well.

Calls that are up go on to their end, and it says how long that may take. Ctrl-C twice: they are hung up now.
"""

import shutil
import signal
import sys
from types import FrameType

from deploy.local import supervision
from deploy.local.draining import Teller
from deploy.local.running import settings_in_force
from deploy.local.settings import LOCAL, SERVICES, read_settings

DATA = (
    "postgres", "kafka", "log", "rehearsal.env", "running.json", "demo-keys.json", "passwords.json",
    "role-passwords.json", "hook-secrets.json", "recordings", "recordings.spool",
)  # fmt: skip


class Impatience:
    """What Ctrl-C means while things stop: the first one asks, the second one hurries."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Count a Ctrl-C."""
        if self._asked:
            sys.stdout.write("\nhanging up\n")
            supervision.hurry()
        else:
            sys.stdout.write("\nonce more: hang up now\n")
        sys.stdout.flush()
        self._asked = True


def bring_down() -> bool:
    """Stop everything; return whether anything ran."""
    if not supervision.is_running():
        return False
    settings = settings_in_force(read_settings())[0]
    before = signal.signal(signal.SIGINT, Impatience())
    try:
        supervision.stop_everything(Teller({service: settings.ops_port(service) for service in SERVICES}))
    finally:
        signal.signal(signal.SIGINT, before)
    return True


if __name__ == "__main__":
    sys.stdout.write("stopped\n" if bring_down() else "nothing was running\n")
    if "--data" in sys.argv:
        shutil.rmtree(supervision.folder(), ignore_errors=True)
        for name in DATA:
            path = LOCAL / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        sys.stdout.write("data deleted\n")
