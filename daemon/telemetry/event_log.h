// Allocations as log lines: successes at debug; failures one line each, up to a rate (LogBudget).
//
// Inside tasks of the executor only.

#ifndef DAEMON_TELEMETRY_EVENT_LOG_H_
#define DAEMON_TELEMETRY_EVENT_LOG_H_

#include <cstdint>

#include "daemon/loop/executor.h"
#include "daemon/telemetry/allocation_event.h"
#include "daemon/telemetry/log_budget.h"

namespace dmaheap {

class EventLog : public EventSink {
 public:
  explicit EventLog(const Executor& executor) : budget_(executor) {}

  void OnAllocation(const AllocationEvent& event) override;

  // Failure lines not written since the last that was.
  int64_t suppressed() const { return budget_.suppressed(); }

 private:
  LogBudget budget_;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_EVENT_LOG_H_
