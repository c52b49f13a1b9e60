# Sourced: a Docker engine on this machine. One that answers is used; else one of this user's own, which no port leads to.
# shellcheck shell=bash
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rehearsal
OWN=$CACHE/docker # for all checkouts of this user, as the Kafka jars are: the images are made once
OWN_HOST=unix://$OWN/docker.sock
ANSWER_SECONDS=10
ENGINE_START_SECONDS=60
ENGINE_STOP_SECONDS=60
LOCK_SECONDS=1800 # another run may be building images
USES_OWN=""

use_engine() { # export DOCKER_HOST
  local host
  PATH=$PATH:/usr/sbin:/sbin # where Debian keeps dockerd, out of some users' way
  host=$(usual_host)
  if ! answers "$host"; then
    [ -z "${DOCKER_HOST:-}" ] || fail "No Docker engine answers at DOCKER_HOST=$DOCKER_HOST. Start it, or unset DOCKER_HOST."
    if [ "$(id -u)" != 0 ] && command -v dockerd >/dev/null; then
      fail "No Docker engine answers this user at $host, and only root can start one." \
        "Start Docker, or run this as root. $WITHOUT_CONTAINERS"
    fi
    need dockerd "a Docker engine, and none answers at $host" docker.io iptables
  fi
  need docker "the command that speaks to the engine" docker-cli
  if ! answers "$host"; then # on some machines the package has just started its engine
    host=$OWN_HOST
    own_engine_up
  fi
  case $host in
    unix://* | tcp://localhost:* | tcp://127.0.0.1:*) ;;
    *) fail "The engine at $host is not on this machine, so the tests could not reach its containers on 127.0.0.1." ;;
  esac
  export DOCKER_HOST=$host
  say "engine: Docker $(docker version --format '{{.Server.Version}}') at $DOCKER_HOST"
}

usual_host() { # where the docker command looks: DOCKER_HOST, the context chosen, or the usual socket
  local host=""
  if command -v docker >/dev/null; then host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || host=""; fi
  echo "${host:-${DOCKER_HOST:-unix:///var/run/docker.sock}}"
}

answers() { # answers HOST
  if ! command -v docker >/dev/null; then return 1; fi
  DOCKER_HOST=$1 within "$ANSWER_SECONDS" docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

one_at_a_time() { # engines are started and images are made by one run at a time
  mkdir -p "$CACHE"
  exec 8>"$CACHE/containers.lock"
  flock -w "$LOCK_SECONDS" 8 || fail "Another run has been preparing containers for $LOCK_SECONDS s. ($CACHE/containers.lock)"
}

next_one() { exec 8>&-; }

own_engine_up() {
  local engine deadline
  [ "$(id -u)" = 0 ] || fail "No Docker engine answers, and only root can start one. $WITHOUT_CONTAINERS"
  mkdir -p "$OWN"
  chmod 700 "$OWN"
  exec 9>"$OWN/users.lock"
  flock -w "$LOCK_SECONDS" -s 9 || fail "Another run has been stopping the engine for $LOCK_SECONDS s. ($OWN/users.lock)"
  USES_OWN=yes
  one_at_a_time
  if answers "$OWN_HOST"; then return; fi
  # No port is forwarded and nothing is routed or translated: a proxy on 127.0.0.1 leads to the containers, nothing out.
  setsid dockerd --host "$OWN_HOST" --data-root "$OWN/data" --exec-root "$OWN/exec" --pidfile "$OWN/docker.pid" \
    --ip 127.0.0.1 --iptables=false --ip-forward=false --log-level warn >"$OWN/dockerd.log" 2>&1 </dev/null 8>&- 9>&- &
  engine=$!
  deadline=$((SECONDS + ENGINE_START_SECONDS))
  until answers "$OWN_HOST"; do
    if ! kill -0 "$engine" 2>/dev/null; then fail "The Docker engine ended at once. $(end_of "$OWN/dockerd.log")"; fi
    [ "$SECONDS" -lt "$deadline" ] ||
      fail "The Docker engine did not start within $ENGINE_START_SECONDS s. $(end_of "$OWN/dockerd.log")"
    sleep "$POLL_SECONDS"
  done
}

own_engine_down() { # the last run that uses it stops it
  local pid deadline
  [ -n "$USES_OWN" ] || return 0
  if ! flock -n -x 9; then
    say "the engine stays: another run uses it"
    return 0
  fi
  pid=$(cat "$OWN/docker.pid" 2>/dev/null) || return 0
  grep -qsF "$OWN_HOST" "/proc/$pid/cmdline" || return 0 # that number is somebody else's by now
  kill "$pid"
  deadline=$((SECONDS + ENGINE_STOP_SECONDS))
  while [ -e "/proc/$pid" ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "The Docker engine (process $pid) did not stop within $ENGINE_STOP_SECONDS s. $(end_of "$OWN/dockerd.log")" >&2
      return 1
    fi
    sleep "$POLL_SECONDS"
  done
  umount "$OWN/exec/netns/default" 2>/dev/null || true # dockerd forgets it, and the folder could not be deleted
  say "engine stopped"
}
