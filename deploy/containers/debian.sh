# Sourced: what is missing comes from Debian; where it cannot, a sentence says what is missing and why.
# shellcheck shell=bash
INSTALL_SECONDS=600
# shellcheck disable=SC2034  # for whoever sources this
WITHOUT_CONTAINERS="The same tests run without containers: make test"

cannot_install() { # print why nothing can be installed here; fails if it can
  if ! grep -qsx 'ID=debian' /etc/os-release; then
    echo "this is not Debian"
  elif [ "$(id -u)" != 0 ]; then
    echo "this user is not root"
  elif ! command -v apt-get >/dev/null; then
    echo "there is no apt-get"
  else
    return 1
  fi
}

need() { # need PROGRAM WHAT-IT-IS PACKAGE…: have the program, installed if need be
  local program=$1 purpose=$2 why
  shift 2
  if command -v "$program" >/dev/null; then return; fi
  if why=$(cannot_install); then
    fail "$program is missing: $purpose. It cannot be installed here: $why." \
      "On Debian, root can: apt-get install $*. $WITHOUT_CONTAINERS"
  fi
  say "installing $*"
  step "install-$program" "$INSTALL_SECONDS" install_packages "$@"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q && apt-get install -y -q --no-install-recommends "$@"
}
