"""`python -m deploy.local.speech --port PORT`: the speech server in the foreground, on this machine alone.

What reads is what `SPEECH_STT` says.
"""

import argparse

import uvicorn

from deploy.local.settings import LOCAL, read_settings
from deploy.local.speech.app import Server
from deploy.local.speech.finding import find_flite
from deploy.local.speech.finding_whisper import find_whisper
from deploy.local.speech.reading import Engine
from deploy.local.speech.recognising import Pocketsphinx

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    settings, flite = read_settings(), find_flite(LOCAL)
    engine: Engine = find_whisper(settings) if settings.stt == "whisper" else Pocketsphinx(flite)
    uvicorn.run(Server(flite, engine).app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)
