// How long the kernel was at work for each allocation from a CMA area, by its own trace.

#ifndef TESTS_BENCH_GUEST_AREA_ATTEMPTS_H_
#define TESTS_BENCH_GUEST_AREA_ATTEMPTS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace dmaheap::bench {

struct AreaAttempt {
  int64_t pages = 0;
  double ms = 0;
  bool success = false;
};

// Reads a trace with the events cma:cma_alloc_start and cma:cma_alloc_finish of one area, which
// serves one at a time. One that has no end in the trace is left out.
std::vector<AreaAttempt> ParseAreaAttempts(absl::string_view text);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_AREA_ATTEMPTS_H_
