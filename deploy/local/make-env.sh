#!/bin/sh
# Makes .venv from uv.lock with nothing but Python 3.11 or newer. Fast when nothing has changed.
set -eu
cd "$(dirname "$0")/../.."
UV_VERSION=0.13.9

python=""
for candidate in ${PYTHON3:-} python3.13 python3.12 python3.11 python3 python; do
  if command -v "$candidate" >/dev/null 2>&1 &&
    "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is missing. Install it, for example: apt-get install python3 python3-venv" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "Python's venv is missing. Install it, for example: apt-get install python3-venv" >&2
  exit 1
fi
mkdir -p .local
uv=$(pwd)/.local/bootstrap/bin/uv
if ! [ -x "$uv" ] || [ "$("$uv" --version | cut -d' ' -f2)" != "$UV_VERSION" ]; then
  rm -rf .local/bootstrap
  "$python" -m venv .local/bootstrap
  .local/bootstrap/bin/pip install -q --disable-pip-version-check "uv==$UV_VERSION"
fi
"$uv" sync -q --frozen --python "$(command -v "$python")"
touch .venv/ready
