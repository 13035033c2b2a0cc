// What goes on while the contenders want the area. One more is one more line in the source.

#ifndef TESTS_BENCH_GUEST_STORM_SCENARIOS_H_
#define TESTS_BENCH_GUEST_STORM_SCENARIOS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap::bench {

struct Scenario {
  // In the rows of the report.
  std::string name;
  std::function<std::unique_ptr<Trouble>()> make;
  // By name.
  std::vector<std::string> contenders;
  // Of each contender.
  int attempts = 0;
  // Absent: one trouble through all attempts. Else each attempt has one of its own, which ends so
  // long after the attempt began.
  absl::optional<absl::Duration> ends_after = absl::nullopt;
  // Before each attempt nobody wants anything for so long.
  absl::Duration pause = absl::ZeroDuration();
};

// Whoever makes the trouble is in it (/sys/fs/cgroup/NAME), and nobody else.
inline constexpr char kStormCgroup[] = "storm";

// attempts: for the storms.
std::vector<Scenario> StormScenarios(int attempts);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_STORM_SCENARIOS_H_
