#!/usr/bin/env bash
# The integration and end-to-end tests on PostgreSQL and Kafka in containers. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
HERE=deploy/containers
PYTHON=.venv/bin/python
TESTS_SECONDS=3600
SWEEP_SECONDS=60
PREPARED=""
for part in steps debian engine images; do
  # shellcheck source=/dev/null
  . "$HERE/$part.sh"
done

# shellcheck disable=SC2317  # the trap calls it
finish() { # however this ends: no test runs on, no container stays, and no engine that was started for this
  local code=$?
  trap '' INT TERM HUP
  trap - EXIT
  set +e
  stop_running
  if [ -n "$PREPARED" ]; then
    within "$SWEEP_SECONDS" "$PYTHON" -m tests.infra.containers || say "Containers may be left. See: docker ps -a" >&2
  fi
  own_engine_down || [ "$code" != 0 ] || code=1
  exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ -x "$PYTHON" ] || fail "There is no $PYTHON yet: make env"
use_engine
PREPARED=yes
images=$("$PYTHON" -c 'from tests.infra.containers import KAFKA_IMAGE, POSTGRES_IMAGE; print(POSTGRES_IMAGE, KAFKA_IMAGE)')
have_images "${images% *}" "${images#* }"
next_one
unset TEST_DATABASE_URL TEST_KAFKA_BOOTSTRAP
export TEST_INFRA=containers TESTCONTAINERS_RYUK_DISABLED=true TC_HOST=localhost
code=0
within "$TESTS_SECONDS" "$PYTHON" -m pytest -q -m "(integration or e2e) and not campaign" "$@" || code=$?
[ "$code" != 124 ] || fail "The tests did not end within $TESTS_SECONDS s."
exit "$code"
