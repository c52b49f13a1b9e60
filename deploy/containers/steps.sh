# Sourced: say, fail, and run commands with a deadline. A step that fails shows the end of its log.
# shellcheck shell=bash
LOGS=.local/containers
LOG_TAIL_LINES=25
POLL_SECONDS=0.2
STOP_SECONDS=30  # what an interrupted command gets to clean up before it is killed
RUNNING=""       # the process group that runs now, if any

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

end_of() { # end_of LOG
  if [ -s "$1" ]; then
    printf 'The end of its log (%s):\n' "$1"
    tail -n "$LOG_TAIL_LINES" "$1"
  else
    printf 'It has written no log (%s).\n' "$1"
  fi
}

within() { # within SECONDS COMMAND…: its exit code, or 124 if it was too slow. A group of its own, so that no child is left
  local deadline=$((SECONDS + $1)) code=0
  shift
  set -m
  "$@" </dev/null &
  RUNNING=$!
  set +m
  while kill -0 "$RUNNING" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      stop_running
      return 124
    fi
    sleep "$POLL_SECONDS"
  done
  wait "$RUNNING" 2>/dev/null || code=$?
  [ "$code" = 0 ] || kill -KILL -- "-$RUNNING" 2>/dev/null || true # what it has left
  RUNNING=""
  return "$code"
}

stop_running() { # interrupt what `within` runs, as Ctrl-C would; kill it if it does not end
  [ -n "$RUNNING" ] || return 0
  local deadline=$((SECONDS + STOP_SECONDS))
  kill -INT -- "-$RUNNING" 2>/dev/null || true
  while kill -0 "$RUNNING" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep "$POLL_SECONDS"; done
  kill -KILL -- "-$RUNNING" 2>/dev/null || true
  wait "$RUNNING" 2>/dev/null || true
  RUNNING=""
}

step() { # step NAME SECONDS COMMAND…: says what it took, or ends everything
  local name=$1 limit_seconds=$2 began=$SECONDS code=0
  shift 2
  mkdir -p "$LOGS"
  within "$limit_seconds" "$@" >"$LOGS/$name.log" 2>&1 || code=$?
  case $code in
    0) say "  $name: $((SECONDS - began)) s" ;;
    124) fail "$name did not end within $limit_seconds s. $(end_of "$LOGS/$name.log")" ;;
    *) fail "$name failed (exit code $code). $(end_of "$LOGS/$name.log")" ;;
  esac
}
