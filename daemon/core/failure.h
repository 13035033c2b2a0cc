// The error that a caller gets when the heap did not give: the reason that the facts support, never
// more, with the kernel's errno and every number. Pure.

#ifndef DAEMON_CORE_FAILURE_H_
#define DAEMON_CORE_FAILURE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/core/retry_decision.h"
#include "heaps/heap.h"

namespace dmaheap {

// What is known of a request when it fails.
struct FailureFacts {
  std::string heap;
  int64_t size_bytes = 0;
  int count = 1;
  // Buffers of the request that the heap had given.
  int allocated = 0;
  int attempts = 0;
  absl::Duration elapsed;
  // Of the last attempt; OK if there was none.
  absl::Status last_error;
  // After the last attempt.
  HeapUsage usage;
  // Name of the policy that the request went by.
  std::string retry_policy;
  // For how long one and the same page was in the way, where that was seen, and who maps it:
  // "NAME (pid N, uid N), ..." in the processes' own words, or nothing.
  absl::Duration stuck_for = absl::ZeroDuration();
  std::string mapped_by;
};

// After the last attempt failed and no other is made, for that reason.
absl::Status ExplainFailure(const FailureFacts& facts, GiveUp::Reason reason);

// The caller's deadline ended the request.
absl::Status ExplainDeadline(const FailureFacts& facts);

}  // namespace dmaheap

#endif  // DAEMON_CORE_FAILURE_H_
