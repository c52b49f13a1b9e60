"""faster-whisper and a model, where the operator installed them."""

import subprocess
import sys
from pathlib import Path

from deploy.local.missing import Missing
from deploy.local.settings import LOCAL, Settings
from deploy.local.speech.whisper import MODEL_FILES, Whisper

PACKAGES = LOCAL / "whisper" / "packages"
MODEL = LOCAL / "whisper" / "model"
INSTALL = "Install both with: make whisper"
IMPORT_SECONDS = 60


def find_whisper(settings: Settings, packages: Path = PACKAGES) -> Whisper:
    """Return faster-whisper with its model. Raises Missing."""
    model = Path(settings.values.get("SPEECH_WHISPER_FOLDER") or MODEL).absolute()
    for name in MODEL_FILES:
        if not (model / name).is_file():
            raise Missing(f"SPEECH_STT=whisper needs a model, and {model} has no {name}. {INSTALL}")
    script = "import sys; sys.path.append(sys.argv[1]); import faster_whisper"
    tried = subprocess.run(
        [sys.executable, "-c", script, str(packages)], capture_output=True, check=False, timeout=IMPORT_SECONDS
    )
    if tried.returncode:
        raise Missing(f"SPEECH_STT=whisper needs faster-whisper, which {packages} does not have. {INSTALL}")
    return Whisper(packages, model)
