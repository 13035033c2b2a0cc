#include "tests/bench/guest/storm_scenarios.h"

#include "tests/vm/tools/pipe_pin.h"
#include "tests/vm/tools/process_storm.h"

namespace dmaheap::bench {
namespace {

// Each takes two seconds and more, and they differ little.
constexpr int kLongPins = 5;
constexpr absl::Duration kLongPinTime = absl::Seconds(2);

}  // namespace

std::vector<Scenario> StormScenarios(int attempts) {
  return {
      {"fork_storm", [] { return MakeForkStorm(ForkStormDefaults()); }, attempts, absl::nullopt},
      {"exit_storm", [] { return MakeExitStorm(ExitStormDefaults()); }, attempts, absl::nullopt},
      {"long_pin_2s", [] { return MakeVmsplicePin(PipePinDefaults()); }, kLongPins, kLongPinTime},
  };
}

}  // namespace dmaheap::bench
