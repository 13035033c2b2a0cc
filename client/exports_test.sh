#!/usr/bin/env bash
# libdmaheap.so.0 shows every function of dmaheap_c.h and no other symbol, bears its name, and leaves
# gRPC to nobody else.
set -euo pipefail

library=$1 header=$2
fail() {
  echo "exports_test: $*" >&2
  exit 1
}

exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -o 'dmaheap_[a-z_0-9]*(' "$header" | tr -d '(' | sort -u)
[[ -n $declared ]] || fail "found no function in $header"
diff <(echo "$declared") <(echo "$exported") ||
  fail "< is declared and not exported, > is exported and not declared"

dynamic=$(readelf -d "$library")
grep -q 'SONAME.*\[libdmaheap.so.0\]' <<<"$dynamic" || fail "the soname is not libdmaheap.so.0"
! grep 'NEEDED.*grpc' <<<"$dynamic" || fail "gRPC is not linked in"
! grep 'TEXTREL' <<<"$dynamic" || fail "text relocations"

strings=$(nm -D --undefined-only "$library")
! grep -i 'AddDescriptors\|InternalAddGeneratedFile' <<<"$strings" ||
  fail "enters descriptors in the process's table: a program with the same messages would abort"
