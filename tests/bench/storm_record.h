// What the guest measured for the storm benchmark, and how it comes out of the guest.

#ifndef TESTS_BENCH_STORM_RECORD_H_
#define TESTS_BENCH_STORM_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// The cgroup of the storm stood still.
struct Freeze {
  // From the order to stand still to the order to go on.
  double ms = 0;
  // An allocation that began behind it succeeded.
  bool cured = false;
};

// One attempt to get the whole area.
struct StormSample {
  std::string scenario;
  std::string contender;
  bool success = false;
  // Until success, or until the contender gave up.
  double ms = 0;
  // How often the kernel was asked.
  int64_t tries = 0;
  // Meanwhile, by the kernel's own trace.
  std::vector<Freeze> freezes = {};
};

struct StormScenario {
  std::string name;
  // Processes that the OOM killer ended meanwhile.
  int64_t oom_kills = 0;
  // Free memory before each attempt.
  std::vector<double> free_mib;
};

struct StormRecord {
  // By name, in the order in which they are to be shown.
  std::vector<std::string> contenders;
  // In the order in which things happened.
  std::vector<StormScenario> scenarios;
  std::vector<StormSample> samples;
};

// JSON, and back. kInvalidArgument: the text is no record.
std::string FormatStormRecord(const StormRecord& record);
absl::StatusOr<StormRecord> ParseStormRecord(absl::string_view text);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_STORM_RECORD_H_
