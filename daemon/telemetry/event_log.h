// Allocations as log lines: successes at debug; failures one line each, up to a rate, and what was
// left out is counted in the next line that is written.
//
// Inside tasks of the executor only.

#ifndef DAEMON_TELEMETRY_EVENT_LOG_H_
#define DAEMON_TELEMETRY_EVENT_LOG_H_

#include <cstdint>

#include "absl/time/time.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/allocation_event.h"

namespace dmaheap {

class EventLog : public EventSink {
 public:
  explicit EventLog(const Executor& executor) : executor_(executor) {}

  void OnAllocation(const AllocationEvent& event) override;

  // Failure lines not written since the last that was.
  int64_t suppressed() const { return suppressed_; }

 private:
  // Takes one from the budget; false if it is empty.
  bool MayWrite();

  const Executor& executor_;
  double budget_ = kBurst;
  absl::Time refilled_ = absl::InfinitePast();
  int64_t suppressed_ = 0;

  // A burst that a person would read, then one line a second: a client in a loop must not fill the
  // log's disk.
  static constexpr double kBurst = 20;
  static constexpr double kLinesPerSecond = 1;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_EVENT_LOG_H_
