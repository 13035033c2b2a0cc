// The error that a caller gets when the heap did not give: the reason that the diagnosis supports,
// never more, with the kernel's errno and every number. Pure.

#ifndef DAEMON_CORE_FAILURE_H_
#define DAEMON_CORE_FAILURE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/core/retry_decision.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// What is known of a request when it fails.
struct FailureFacts {
  // As its owner may see it; with a name if it is kept.
  v1::Diagnosis diagnosis;
  // Buffers of the request that the heap had given.
  int allocated = 0;
  // Of the last attempt; OK if there was none.
  absl::Status last_error;
};

// After the last attempt failed and no other is made, for that reason.
absl::Status ExplainFailure(const FailureFacts& facts, GiveUp::Reason reason);

// The caller's deadline ended the request.
absl::Status ExplainDeadline(const FailureFacts& facts);

}  // namespace dmaheap

#endif  // DAEMON_CORE_FAILURE_H_
