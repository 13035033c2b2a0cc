# shellcheck shell=bash
# Part of ./dev: puts on this machine what the project needs, once. Quick when nothing is missing.

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root, and there is no sudo; let root run: $*"
  fi
}

# apt ARGS...: quiet, unless it fails.
apt() {
  local log
  log=$(mktemp)
  # Two minutes for somebody else's apt to end.
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o \
    Acquire::Retries=3 "$@" >"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    die "apt-get $* failed; its whole output is in $log"
  fi
  rm -f "$log"
}

# install_packages NAMES...
install_packages() {
  say "installing from Debian, with what they need: $*"
  apt update -qq
  apt install -y --no-install-recommends "$@"
}

# missing_packages LIST: those in the file that are not installed.
missing_packages() {
  local wanted
  mapfile -t wanted < <(grep -v '^#' "$1" | sort -u)
  # shellcheck disable=SC2016  # dpkg's variables
  comm -23 <(printf '%s\n' "${wanted[@]}") \
    <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
      sed -n 's/ installed$//p' | sort -u)
}

# Where what is kept between builds goes. Below HOME, unless that can not be written.
choose_cache() {
  export HOME=${HOME:-$(getent passwd "$UID" | cut -d: -f6)}
  local cache=$HOME/.cache/dmaheapd
  if mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]]; then
    bazelrc="build --disk_cache=$cache/bazel"
    return
  fi
  cache=/var/tmp/dmaheapd-$UID
  [[ -d $cache ]] || mkdir -m 700 "$cache"
  # Anybody may make a folder of that name.
  [[ -O $cache && ! -L $cache ]] || die "$cache belongs to somebody else, and $HOME can not be written"
  export DMAHEAPD_CACHE=$cache
  bazelrc="startup --output_user_root=$cache/output
build --disk_cache=$cache/bazel
build --repo_env=DMAHEAPD_CACHE=$cache
query --repo_env=DMAHEAPD_CACHE=$cache"
}

# .bazelrc.local, for ./dev and for who calls bazel by hand. One that a person wrote stays.
write_local_bazelrc() {
  local mark='# Written by ./dev at each call; without this line it is left alone.'
  [[ ! -f .bazelrc.local ]] || grep -qxF "$mark" .bazelrc.local || return 0
  local text=$mark$'\n'$bazelrc
  [[ -f .bazelrc.local && $(<.bazelrc.local) == "$text" ]] || echo "$text" >.bazelrc.local
}

# install_missing_packages LIST
install_missing_packages() {
  local missing
  if command -v dpkg-query >/dev/null; then
    mapfile -t missing < <(missing_packages "$1")
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
  else
    say "this is no Debian: what $1 lists has to be there already"
  fi
}

install_what_is_missing() {
  local bazelrc
  install_missing_packages third_party/packages.txt
  choose_cache
  if ! third_party/fetch_protos --check; then
    command -v npm >/dev/null || install_packages npm
    third_party/fetch_protos >&2
  fi
  write_local_bazelrc
}
