#!/usr/bin/env bash
# Builds the kernel's own test of its dma-heaps: build_selftest.sh TARBALL OUT
set -euo pipefail

tarball=$(readlink -f "$1")
out=$(readlink -m "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
selftests=tools/testing/selftests
tar --extract --xz --file="$tarball" --strip-components=1 --wildcards \
  "*/$selftests/dmabuf-heaps/dmabuf-heap.c" "*/$selftests/kselftest.h" \
  '*/include/uapi/drm/drm.h' '*/include/uapi/drm/drm_mode.h'
# `make headers` would take the marks of user pointers out of the two headers.
gcc -O2 -w -D__user= -isystem include/uapi -o "$out" "$selftests/dmabuf-heaps/dmabuf-heap.c"
