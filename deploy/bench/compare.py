"""`make bench-compare base=REV`: the pipeline at another revision and here, in turns, with the ratio of each pair.

These machines are noisy: figures of two runs on different days say little, a ratio within one run says more.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))
BENCH_SECONDS = 900
PIPELINE = re.compile(r"^pipeline.*?: (\d+) runs/s", re.MULTILINE)


def runs_per_second(root: Path) -> int:
    """Run the bench of a checkout with the libraries of its own lock file; return what its pipeline gave."""
    environment = {**os.environ, "PYTHONPATH": str(root), "BENCH_ONLY": "pipeline"}
    done = subprocess.run(
        [str(root / ".venv" / "bin" / "python"), "-m", "deploy.bench"],
        cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=BENCH_SECONDS,
    )  # fmt: skip
    found = PIPELINE.search(done.stdout)
    if found is None:
        raise SystemExit(f"no figure from {root}:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    return int(found[1])


def main(base: str) -> None:
    """Compare `base` with the working tree."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-base-") as folder:
        other = Path(folder) / "base"
        subprocess.run(["git", "worktree", "add", "-q", "--detach", str(other), base], cwd=ROOT, check=True)
        try:
            subprocess.run(["sh", "deploy/local/make-env.sh"], cwd=other, check=True)
            ratios = []
            for nth in range(PAIRS):
                before, after = runs_per_second(other), runs_per_second(ROOT)
                ratios.append(after / before)
                print(
                    f"pair {nth + 1}: {base} {before} runs/s, here {after} runs/s: × {after / before:.2f}", flush=True
                )
            print(f"median: × {statistics.median(ratios):.2f}")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(other)], cwd=ROOT, check=False)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("which revision? make bench-compare base=REV")
    main(sys.argv[1])
