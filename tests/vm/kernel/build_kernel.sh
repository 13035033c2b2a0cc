#!/usr/bin/env bash
# Builds a kernel: build_kernel.sh TARBALL FRAGMENT CHECK_CONFIG OUT_IMAGE OUT_CONFIG
#
# The configuration is `allnoconfig` and what FRAGMENT says; an option that did not stick fails the
# build. The same input gives the same image: date, user and machine are left out of it.
set -euo pipefail

tarball=$(readlink -f "$1")
fragment=$(readlink -f "$2")
check_config=$(readlink -f "$3")
image=$(readlink -m "$4")
config=$(readlink -m "$5")

die() {
  echo "build_kernel: $*" >&2
  exit 1
}

for tool in gcc make bc bison flex xz /usr/include/libelf.h; do
  command -v "$tool" >/dev/null || [[ -f $tool ]] ||
    die "$tool is missing: install what third_party/vm_packages.txt lists"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# 1.3 GB of source and 0.3 GB of objects, and some room for others.
needed_mib=2500
free_mib=$(df --output=avail -B1M "$folder" | tail -n 1)
((free_mib >= needed_mib)) ||
  die "${folder%/*} has $free_mib MiB free, and the kernel needs $needed_mib: make room, or set TMPDIR"

log=$folder/log
# quietly COMMAND ARGS...: shows what it said only if it fails.
quietly() {
  "$@" >>"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "failed: $*"
  }
}

# Of other architectures nothing but the Kconfig files is read.
source=$folder/source
mkdir "$source"
quietly tar --extract --xz --file="$tarball" --directory="$source" --strip-components=1 \
  --exclude='*/arch/[!x]*/*.[chS]' --exclude='*.dts' --exclude='*.dtsi' \
  --exclude='*/Documentation/*.rst' --exclude='*/drivers/gpu/drm/amd/include/*'

export KBUILD_BUILD_TIMESTAMP='2000-01-01' KBUILD_BUILD_USER=dmaheapd KBUILD_BUILD_HOST=guest
export LC_ALL=C
kernel_make() { quietly make --silent -C "$source" -j"$(nproc)" "$@"; }
kernel_make KCONFIG_ALLCONFIG="$fragment" allnoconfig
kernel_make olddefconfig
"$check_config" "$fragment" "$source/.config" || die "the options above are not as $2 asks"
# On a busy machine the two differ; the second is what the kernel costs.
TIMEFORMAT='build_kernel: compiled in %R s; user time %U s, system time %S s'
time kernel_make bzImage

cp "$source/arch/x86/boot/bzImage" "$image"
cp "$source/.config" "$config"
