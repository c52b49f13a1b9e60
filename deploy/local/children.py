"""Children that must not outlive us, even if we are killed."""

import ctypes
import signal

PR_SET_PDEATHSIG = 1


def dies_with_parent() -> None:
    """Ask the kernel to kill this (child) process when its parent ends. Linux only; elsewhere it does nothing.

    The parent is the thread that started it: start such children from a thread that lives as long as they should.

    Changing the user clears the request, so it has to be made after that: subprocess calls `preexec_fn` last.
    """
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
