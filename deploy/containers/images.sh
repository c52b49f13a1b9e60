# Sourced: the two images the tests use. What is there is used, else it is pulled, else a stand-in is made from Debian.
# shellcheck shell=bash
BASE_IMAGE=rehearsal/debian:trixie
STAND_IN=rehearsal.stand-in # the label: a checksum of what the stand-in was made from
PULL_SECONDS=900
BASE_SECONDS=900
BUILD_SECONDS=900
MAVEN_SECONDS=600

have_images() { # have_images POSTGRES-IMAGE KAFKA-IMAGE
  have_image "$1" postgres "PostgreSQL ${1##*:} of Debian"
  have_image "$2" kafka "Apache Kafka ${2##*:} from its Maven artifacts"
}

have_image() { # have_image IMAGE FOLDER CONTENT
  local image=$1 folder=$2 content=$3 recipe made_from
  recipe=$(cat "$HERE/$folder"/* "$HERE/images.sh" | cksum | cut -d' ' -f1)
  if made_from=$(docker image inspect --format "{{index .Config.Labels \"$STAND_IN\"}}" "$image" 2>/dev/null); then
    case $made_from in
      "") say "image: $image, as it was on the engine" && return ;;
      "$recipe") say "image: $image is a STAND-IN: $content" && return ;;
    esac
  elif pulled "$image"; then
    say "image: $image, pulled"
    return
  fi
  make_base "$image"
  "make_$folder" "$image" "$recipe"
  say "image: $image is a STAND-IN, made here: $content"
}

pulled() { # pulled IMAGE
  local log=$LOGS/pull.log
  mkdir -p "$LOGS"
  say "pulling $1"
  if within "$PULL_SECONDS" docker pull -q "$1" >"$log" 2>&1; then return; fi
  say "  $1 cannot be pulled: $(tail -n 1 "$log")"
  return 1
}

make_base() { # make_base FOR-WHICH-IMAGE: Debian itself, by debootstrap from the mirror that apt uses
  local why
  if docker image inspect "$BASE_IMAGE" >/dev/null 2>&1; then return; fi
  if why=$(cannot_install); then
    fail "The engine has no image $1 and cannot pull it (${LOGS}/pull.log), and a stand-in cannot be made here: $why." \
      "Let the engine pull it, or run this as root on Debian. $WITHOUT_CONTAINERS"
  fi
  one_at_a_time
  if docker image inspect "$BASE_IMAGE" >/dev/null 2>&1; then return; fi # another run has just made it
  need debootstrap "it makes the stand-in for $1" debootstrap
  step base-image "$BASE_SECONDS" import_debian
}

import_debian() {
  local root=$CACHE/debian-root mirror code=0
  # shellcheck disable=SC2016  # apt-get expands it
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
    grep -m 1 '^http://') || mirror=""
  if [ -z "$mirror" ]; then
    echo "apt knows no Debian mirror that debootstrap can read (http). Run: apt-get update"
    return 1
  fi
  rm -rf --one-file-system "$root"
  debootstrap --variant=minbase trixie "$root" "$mirror" &&
    tar -C "$root" --one-file-system --exclude='./var/cache/apt/archives/*' -c . |
    docker import -c 'CMD ["bash"]' - "$BASE_IMAGE" || code=$?
  rm -rf --one-file-system "$root"
  return "$code"
}

make_postgres() { # make_postgres IMAGE RECIPE
  step postgres-image "$BUILD_SECONDS" build "$1" "$2" -C "$HERE/postgres" Dockerfile entrypoint.sh
}

make_kafka() { # make_kafka IMAGE RECIPE: the jars are those that the local broker runs
  local jars
  step kafka-jars "$MAVEN_SECONDS" "$PYTHON" -c 'from deploy.local.kafka_broker import fetch_jars; print(fetch_jars())'
  jars=$(tail -n 1 "$LOGS/kafka-jars.log")
  step kafka-image "$BUILD_SECONDS" build "$1" "$2" -C "$PWD/$HERE/kafka" Dockerfile run.sh \
    -C "$PWD/deploy/local/kafka" log4j2.xml -C "${jars%/*}" "${jars##*/}"
}

build() { # build IMAGE RECIPE TAR-ARGUMENT…: the host's network, since an engine may have no way out for containers
  local image=$1 recipe=$2
  shift 2
  tar -c --owner=0 --group=0 --mode=go+rX "$@" |
    docker build --network=host --force-rm --build-arg "BASE=$BASE_IMAGE" --build-arg "VERSION=${image##*:}" \
      --label "$STAND_IN=$recipe" -t "$image" -
}
