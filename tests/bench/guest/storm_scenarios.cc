#include "tests/bench/guest/storm_scenarios.h"

#include <algorithm>

#include "daemon/limits.h"
#include "tests/vm/tools/pipe_pin.h"
#include "tests/vm/tools/process_storm.h"

namespace dmaheap::bench {
namespace {

// Each takes two seconds and more, and they differ little.
constexpr int kLongPins = 5;
constexpr absl::Duration kLongPinTime = absl::Seconds(2);

// Each waits until the keeper has its whole budget for freezing again, and brings a barrier or two
// at the most: so many tell a percentile. Fewer attempts than there are rounds only show that it
// works.
constexpr int kBarrierRounds = 150;
constexpr int kStormsPerBarrier = 20;

int BarrierRounds(int attempts) {
  return attempts >= kBarrierRounds ? kBarrierRounds : std::max(attempts / kStormsPerBarrier, 1);
}

}  // namespace

std::vector<Scenario> StormScenarios(int attempts) {
  const std::vector<std::string> retrying = {"direct", "kernel_5x100ms", "naive_1ms", "dmaheapd"};
  std::vector<std::string> all = retrying;
  all.push_back("dmaheapd_barrier");
  const auto fork_storm = [] { return MakeForkStorm(ForkStormDefaults()); };
  return {
      {.name = "fork_storm", .make = fork_storm, .contenders = all, .attempts = attempts},
      {.name = "exit_storm",
       .make = [] { return MakeExitStorm(ExitStormDefaults()); },
       .contenders = retrying,
       .attempts = attempts},
      {.name = "long_pin_2s",
       .make = [] { return MakeVmsplicePin(PipePinDefaults()); },
       .contenders = retrying,
       .attempts = kLongPins,
       .ends_after = kLongPinTime},
      {.name = "barrier",
       .make = fork_storm,
       .contenders = {"box_5", "box_10", "box_20", "box_50"},
       .attempts = BarrierRounds(attempts),
       .pause = kBarrierWindow},
  };
}

}  // namespace dmaheap::bench
