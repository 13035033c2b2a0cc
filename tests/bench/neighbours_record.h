// What the guest measured for the neighbours benchmark, and how it comes out of the guest.

#ifndef TESTS_BENCH_NEIGHBOURS_RECORD_H_
#define TESTS_BENCH_NEIGHBOURS_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap::bench {

struct NeighboursRecord {
  // Of each small request: alone, and while a large one waited.
  std::vector<double> quiet_ms;
  std::vector<double> busy_ms;
  // Of the whole time in which a large one waited.
  double busy_seconds = 0;
  // Of each attempt at the large one, by the kernel's trace.
  std::vector<double> large_attempt_ms;
  // Large requests, and those of them that came to something: with the pin, none.
  int64_t large_requests = 0;
  int64_t large_successes = 0;
};

// JSON, and back. kInvalidArgument: the text is no record.
std::string FormatNeighboursRecord(const NeighboursRecord& record);
absl::StatusOr<NeighboursRecord> ParseNeighboursRecord(absl::string_view text);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_NEIGHBOURS_RECORD_H_
