"""Whisper reads where the operator asked for it and installed it; else one sentence says what to run."""

from pathlib import Path

import pytest

from deploy.local import running, up
from deploy.local.missing import Missing
from deploy.local.settings import Settings
from deploy.local.speech.finding_whisper import find_whisper
from deploy.local.speech.whisper import MAX_PROMPT_CHARS, MODEL_FILES, likeliest


def installed(folder: Path, library: str = "") -> Settings:
    """A library and a model that look like what is asked for."""
    (folder / "packages").mkdir()
    (folder / "packages" / "faster_whisper.py").write_text(library)
    for name in MODEL_FILES:
        (folder / name).touch()
    return Settings({"SPEECH_STT": "whisper", "SPEECH_WHISPER_FOLDER": str(folder)})


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    settings = installed(tmp_path)
    found = find_whisper(settings, tmp_path / "packages")
    assert (found.model, found.packages) == (tmp_path, tmp_path / "packages")


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_model_that_is_not_whole_is_named_with_what_to_run(tmp_path: Path, name: str) -> None:
    settings = installed(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(Missing, match=rf"needs a model, and {tmp_path} has no {name}\. .*: make whisper$"):
        find_whisper(settings, tmp_path / "packages")


@pytest.mark.parametrize("library", ["import not_there", "raise OSError('made for another Python')"])
def test_a_library_that_does_not_load_is_named_with_what_to_run(tmp_path: Path, library: str) -> None:
    settings = installed(tmp_path, library)
    with pytest.raises(Missing, match=r"needs faster-whisper, which .* does not have\. .*: make whisper$"):
        find_whisper(settings, tmp_path / "packages")


def test_make_up_ends_with_that_sentence_before_anything_starts(tmp_path: Path) -> None:
    asked = {"SPEECH_STT": "whisper", "SPEECH_WHISPER_FOLDER": str(tmp_path)}
    with pytest.raises(SystemExit, match="make whisper"):
        up._may_speak(Settings(asked))
    assert not up._may_speak(Settings({**asked, "SPEECH_BASE_URL": "https://speech.example/v1"})), "nobody reads here"


def test_what_there_is_not_is_named() -> None:
    with pytest.raises(SystemExit, match="SPEECH_STT must be pocketsphinx or whisper, not 'vosk'"):
        up._may_speak(Settings({"SPEECH_STT": "vosk"}))


def test_it_counts_from_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "FILE", tmp_path / "running.json")
    running.remember(Settings({}))
    (sentence,) = running.settings_in_force(Settings({"SPEECH_STT": "whisper"}))[1]
    assert "SPEECH_STT is pocketsphinx, not whisper" in sentence


def test_the_likeliest_lines_are_its_prompt_and_each_is_whole() -> None:
    """Cut within a line, it made up the beginning of what it read."""
    lines = tuple(f"Line {nth} of what may be said." for nth in range(100))
    prompt = likeliest(lines)
    assert MAX_PROMPT_CHARS - 40 < len(prompt) <= MAX_PROMPT_CHARS
    assert prompt.endswith("Line 98 of what may be said. Line 99 of what may be said.")
    assert prompt.startswith("Line ")
    assert likeliest(()) == ""
