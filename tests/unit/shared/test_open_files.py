"""A process asks for the open files that its connections need, and says how many it can have."""

import json
import subprocess
import sys

import pytest

from shared.process.open_files import RESERVED_FILES

ASKS = """
import json, resource, sys
from shared.process.open_files import files_for
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
room = files_for(int(sys.argv[3]))
print(json.dumps([room, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "room", "soft_after"),
    [
        (400, 2_000, 1_000, 1_000, 1_000 + RESERVED_FILES),
        (400, 1_000, 1_000, 1_000 - RESERVED_FILES, 1_000),
        (1_500, 2_000, 1_000, 1_000, 1_500),
        (400, 400, 10, 10, 400),
        (200, 200, 10, 1, 200),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_the_hard_one_lets_it(
    soft: int, hard: int, connections: int, room: int, soft_after: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(soft), str(hard), str(connections)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [room, soft_after]
