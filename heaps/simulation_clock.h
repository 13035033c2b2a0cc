// The time that a simulated area lives in: the machine's, or a virtual one.
//
// Thread-safe. Only differences of Now() mean anything; it never goes back.

#ifndef HEAPS_SIMULATION_CLOCK_H_
#define HEAPS_SIMULATION_CLOCK_H_

#include <mutex>

#include "absl/time/time.h"

namespace dmaheap {

class SimulationClock {
 public:
  virtual ~SimulationClock() = default;
  virtual absl::Time Now() = 0;
  // Lets time pass. Zero or less returns at once.
  virtual void SleepFor(absl::Duration duration) = 0;
};

// CLOCK_MONOTONIC, so that nobody who sets the date ends a pin. Lives as long as the process.
SimulationClock& RealSimulationClock();

// Stands still until told otherwise; SleepFor moves it and returns at once.
class VirtualSimulationClock final : public SimulationClock {
 public:
  absl::Time Now() override;
  void SleepFor(absl::Duration duration) override;

 private:
  std::mutex mutex_;
  absl::Time now_ = absl::UnixEpoch();
};

}  // namespace dmaheap

#endif  // HEAPS_SIMULATION_CLOCK_H_
