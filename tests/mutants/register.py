"""The register of faults: `faults.toml`, read and checked."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("faults.toml")


@dataclass(frozen=True)
class Fault:
    """`old`, which stands once in `file`, is replaced by `new`: then one of `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the file with the fault in it. Raises ValueError if it does not stand there once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: stands {text.count(self.old)} times in {self.file}")
        return text.replace(self.old, self.new)


def read_faults() -> list[Fault]:
    """Return all faults."""
    return [
        Fault(row["name"], row["file"], row["old"].strip("\n"), row["new"].strip("\n"), tuple(row["tests"]))
        for row in tomllib.loads(FILE.read_text())["fault"]
    ]
