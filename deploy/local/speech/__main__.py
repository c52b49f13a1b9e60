"""`python -m deploy.local.speech --port PORT`: the speech server in the foreground, on this machine alone."""

import argparse

import uvicorn

from deploy.local.settings import LOCAL
from deploy.local.speech.app import Server
from deploy.local.speech.finding import find_flite

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = Server(find_flite(LOCAL)).app()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
