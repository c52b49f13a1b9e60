"""`make down`: stop everything; the data stay. With --data, delete them as well."""

import shutil
import sys

from deploy.local import supervision
from deploy.local.settings import LOCAL

DATA = (
    "postgres", "kafka", "log", "rehearsal.env", "running.json", "demo-keys.json", "passwords.json",
    "role-passwords.json",
)  # fmt: skip


def bring_down() -> bool:
    """Stop everything; return whether anything ran."""
    if not supervision.is_running():
        return False
    supervision.stop_everything()
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
