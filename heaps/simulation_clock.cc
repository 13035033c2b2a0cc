#include "heaps/simulation_clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace dmaheap {
namespace {

class MonotonicClock final : public SimulationClock {
 public:
  absl::Time Now() override {
    timespec now;
    // Fails only for a clock that does not exist (clock_gettime(2)).
    clock_gettime(CLOCK_MONOTONIC, &now);
    return absl::TimeFromTimespec(now);
  }
  void SleepFor(absl::Duration duration) override { absl::SleepFor(duration); }
};

}  // namespace

SimulationClock& RealSimulationClock() {
  static MonotonicClock clock;
  return clock;
}

absl::Time VirtualSimulationClock::Now() {
  std::lock_guard<std::mutex> lock(mutex_);
  return now_;
}

void VirtualSimulationClock::SleepFor(absl::Duration duration) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (duration > absl::ZeroDuration()) now_ += duration;
}

}  // namespace dmaheap
