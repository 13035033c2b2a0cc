#!/usr/bin/env bash
# What libdmaheap.so shows is what dmaheap_c.h declares: nothing more, nothing less.
set -euo pipefail
library=$1
header=client/dmaheap_c.h

# A: the name of the version itself.
exported=$(nm -D --defined-only "$library" |
  awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(tr '\n' ' ' <"$header" | grep -o 'DMAHEAP_API [^;]*(' | grep -o 'dmaheap_[a-z_0-9]*(' |
  tr -d '(' | sort)
[[ -n $declared ]] || { echo "no function found in $header" && exit 1; }

if ! diff <(echo "$declared") <(echo "$exported"); then
  echo "declared in $header (<) and exported by $library (>) differ"
  exit 1
fi
# A program says which version of a function it was linked with.
versioned=$(nm -D --defined-only "$library" | awk '{ print $3 }')
for name in dmaheap_allocate@@DMAHEAP_0 dmaheap_reserve@@DMAHEAP_0_1 \
  dmaheap_buffer_was_ready@@DMAHEAP_0_1; do
  grep -qx "$name" <<<"$versioned" || { echo "$library does not export $name" && exit 1; }
done
soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
[[ $soname == libdmaheap.so.0 ]] || { echo "the soname is $soname" && exit 1; }

if objdump -p "$library" | grep 'NEEDED.*grpc'; then
  echo "gRPC is not linked in: a program with one of its own would meet this one"
  exit 1
fi
if nm -D --undefined-only "$library" | grep 'AddDescriptors'; then
  echo "enters descriptors in protobuf's table: a program with the same messages would abort"
  exit 1
fi
echo "$(wc -l <<<"$exported") functions"
