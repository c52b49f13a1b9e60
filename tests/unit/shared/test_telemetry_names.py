"""The register of telemetry names is the only place where the name of a span or an attribute is written."""

from pathlib import Path

from shared.telemetry import names

ROOT = Path(__file__).parents[3]
CODE = [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]


def test_names_are_unique() -> None:
    for register in (names.SPANS, names.ATTRIBUTES):
        assert len(register) == len(set(register))


def test_no_name_is_written_anywhere_else() -> None:
    written = [name for name in names.ATTRIBUTES if "rehearsal." in name]
    for file in CODE:
        if file.name != "names.py":
            text = file.read_text()
            assert not [name for name in written if f'"{name}"' in text], file
