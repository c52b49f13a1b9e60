"""Open files: every connection is one, and the limit that a shell gives (1 024, often) is soon reached."""

import resource

RESERVED_FILES = 256  # for the database, Kafka, logs and the operators' port


def files_for(connections: int) -> int:
    """Ask for as many open files as so many connections need; return for how many there will be room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED_FILES
    if soft < wanted and soft != resource.RLIM_INFINITY:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return max(1, min(connections, files - RESERVED_FILES))
