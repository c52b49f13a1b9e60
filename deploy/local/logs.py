"""`make logs`: follow the logs of all processes, or of one (`make logs s=api`)."""

import os
import sys

from deploy.local.settings import LOCAL, SERVICES
from deploy.local.supervision import INFRASTRUCTURE

if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "*"
    files = sorted(str(path) for path in (LOCAL / "log").glob(f"{wanted}.log"))
    if not files:
        raise SystemExit(f"no such log: make up first, or one of {', '.join((*INFRASTRUCTURE, *SERVICES))}")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])
