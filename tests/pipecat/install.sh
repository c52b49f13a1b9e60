#!/bin/sh
# Makes .local/pipecat: an environment with a stock pipecat-ai, as its own manual installs it.
set -eu
cd "$(dirname "$0")/../.."
PIPECAT_VERSION=1.14.0

uv=.local/bootstrap/bin/uv
made=.local/pipecat/made-$PIPECAT_VERSION
[ -e "$made" ] && exit 0
rm -rf .local/pipecat
echo "installing pipecat-ai $PIPECAT_VERSION into .local/pipecat (420 MB)" >&2
"$uv" venv -q --python .venv/bin/python .local/pipecat
"$uv" pip install -q --python .local/pipecat/bin/python "pipecat-ai[openai,websocket]==$PIPECAT_VERSION" uvicorn fastapi
touch "$made"
