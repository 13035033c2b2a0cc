// How much memory a process has, as the kernel counts it.

#ifndef TESTS_BENCH_RESIDENT_MEMORY_H_
#define TESTS_BENCH_RESIDENT_MEMORY_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// In MiB. all is VmRSS; anonymous is the part that is the process' alone: the rest are mostly pages
// of the libraries, which it shares with every process that has them.
struct ResidentMemory {
  double all = 0;
  double anonymous = 0;
};

// From the text of /proc/PID/status (proc(5)). DATA_LOSS: a line is missing or no number, as in a
// process that has ended.
absl::StatusOr<ResidentMemory> ParseResidentMemory(absl::string_view status);

absl::StatusOr<ResidentMemory> ResidentMemoryOf(pid_t pid);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RESIDENT_MEMORY_H_
