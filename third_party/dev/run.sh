# shellcheck shell=bash
# Part of ./dev: a daemon in the foreground.

# Succeeds if one node of /dev/dma_heap can be opened as the daemon opens it.
has_real_heaps() {
  local node
  for node in /dev/dma_heap/*; do
    [[ -c $node ]] && (: <>"$node") 2>/dev/null && return 0
  done
  return 1
}

# is_mapped UID: the kernel can give it here; in a container only some numbers exist.
is_mapped() {
  local inside count
  while read -r inside _ count; do
    (($1 >= inside && $1 < inside + count)) && return 0
  done </proc/self/uid_map
  return 1
}

# The account for the processes that need no privilege. Without one made for it, a number that
# nobody has: systemd's list of uid ranges leaves 1879048192 to 2147483647 unused, and Debian's
# policy (9.2.2) reserves 65000 to 65533 for itself. Not `nobody`: that is whom others drop to, and
# processes of one uid may signal and trace each other.
unprivileged_account() {
  if getent passwd dmaheapd >/dev/null; then
    echo dmaheapd
  elif is_mapped 1900000000; then
    echo 1900000000
  else
    echo 65533
  fi
}

# has_option NAME ARGS...: the person gave it.
has_option() {
  local arg
  for arg in "${@:2}"; do [[ $arg == "$1" || $arg == "$1="* ]] && return 0; done
  return 1
}

verb_run() {
  local args=() folder='' daemon code=0 account pid
  say "building the daemon"
  bazel_quietly build --show_result=0 //daemon:dmaheapd
  daemon=$(readlink -f bazel-bin/daemon/dmaheapd)
  if has_option --simulate "$@"; then
    say "simulated heap, as told"
  elif has_real_heaps; then
    say "this machine's heaps: $(echo /dev/dma_heap/*)"
  else
    say "no heap in /dev/dma_heap that can be opened here: a simulated one"
    args+=(--simulate)
  fi
  if ((EUID == 0)) && ! has_option --user "$@"; then
    account=$(unprivileged_account)
    say "what needs no privilege runs as $account"
    args+=(--user "$account")
  fi
  if ! has_option --socket-dir "$@"; then
    if ((EUID == 0)) && [[ -w /run ]]; then
      folder=$(mktemp -d /run/dmaheapd.XXXXXX)
      # Who may connect is for the policy to say, as it is below /run/dmaheapd.
      chmod 755 "$folder"
    else
      folder=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/dmaheapd.XXXXXX")
    fi
    args+=(--socket-dir "$folder")
    say "another terminal reaches it by"
    say "  export DMAHEAPD_SOCKET_DIR=$folder"
    say "  ./dev build //client/ctl:dmaheapctl && bazel-bin/client/ctl/dmaheapctl get heaps"
  fi
  # In a session of its own, so that Ctrl-C reaches it once: from here, as SIGTERM.
  # shellcheck disable=SC2154  # caller: of ./dev
  (cd "$caller" && exec setsid "$daemon" "${args[@]}" "$@") &
  pid=$!
  trap 'kill -TERM "$pid" 2>/dev/null || true' INT TERM HUP
  while kill -0 "$pid" 2>/dev/null; do
    code=0
    wait "$pid" || code=$?
  done
  [[ -z $folder ]] || rm -rf "$folder"
  return "$code"
}
