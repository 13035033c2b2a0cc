// One event for each allocation that ended: what logs are made of.

#ifndef DAEMON_TELEMETRY_ALLOCATION_EVENT_H_
#define DAEMON_TELEMETRY_ALLOCATION_EVENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace dmaheap {

struct AllocationEvent {
  // OK, or the error that the caller got.
  absl::Status outcome;
  std::string request_id;
  // The heap's own name; what the caller wrote where there is no such heap.
  std::string heap;
  uint32_t uid = 0;
  int64_t size_bytes = 0;
  int count = 0;
  // Tries of the heap.
  int attempts = 0;
  // From the request to its end.
  absl::Duration duration;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnAllocation(const AllocationEvent& event) = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_ALLOCATION_EVENT_H_
