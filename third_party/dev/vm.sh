# shellcheck shell=bash
# Part of ./dev: the virtual machine of tests/vm.

# Release: small and quick, which an emulated processor needs, and what a product would ship.
vm_config=--config=release

# What the kernel is made from, a line each, to say why it is built anew.
kernel_inputs() {
  local version
  version=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null) || version=unknown
  echo "source package: $version"
  echo "configuration: $(sha256sum <tests/vm/kernel/guest.config)"
  echo "build script: $(sha256sum <tests/vm/kernel/build_kernel.sh)"
}

# prepare_vm TARGETS...: what the machine needs is there, then TARGETS are built.
prepare_vm() {
  local stamp inputs changed
  install_missing_packages third_party/vm_packages.txt
  third_party/fetch_cloud_kernel
  stamp=${DMAHEAPD_CACHE:-$HOME/.cache/dmaheapd}/kernel.inputs
  inputs=$(kernel_inputs)
  if [[ ! -f $stamp ]]; then
    say "building the guest's kernel, as there is none yet; on two cores this takes 7 minutes, once"
  elif [[ $(<"$stamp") != "$inputs" ]]; then
    changed=$(comm -13 <(sort "$stamp") <(sort <<<"$inputs") | cut -d: -f1 | paste -sd, | sed 's/,/, /g')
    say "building the guest's kernel anew, as it changed: $changed; on two cores this takes 7 minutes"
  fi
  # By itself: its make takes all cores.
  bazel_quietly build "$vm_config" --show_result=0 //tests/vm/kernel:image
  echo "$inputs" >"$stamp"
  (($# == 0)) || bazel_quietly build "$vm_config" --show_result=0 -- "$@"
}

# is_help ARGS...: the person asks for the options.
is_help() {
  local arg
  for arg in "$@"; do
    case $arg in
      --) return 1 ;;
      -h | --help) return 0 ;;
    esac
  done
  return 1
}

verb_vm() {
  local bin
  ! is_help "$@" || exec tests/vm/vm.py --help
  say "building the daemon, dmaheapctl and the example HAL"
  prepare_vm //tests/vm //client/ctl:dmaheapctl //client/examples:camera_hal
  # The link points to the configuration that was built last.
  bin=$(readlink -f bazel-bin)
  # shellcheck disable=SC2154  # caller: of ./dev
  cd "$caller"
  exec "$bin/tests/vm/vm.runfiles/dmaheapd/tests/vm/vm" --file="$bin/client/ctl/dmaheapctl" \
    --file="$bin/client/examples/camera_hal" "$@"
}

# needs_vm TARGET: it starts the machine.
needs_vm() { [[ -n $(bazel query "attr(tags, '\\bvm\\b', $1)" 2>/dev/null) ]]; }

# vm_tests TARGETS...: the tests among them that run in the machine. A pattern may begin with -.
vm_tests() {
  local pattern expression=''
  for pattern in "$@"; do
    case $pattern in
      -*) expression+=" - ${pattern#-}" ;;
      *) expression+="${expression:+ + }$pattern" ;;
    esac
  done
  bazel query "attr(tags, '\\bvm\\b', tests($expression))" 2>/dev/null
}
