// What to do after a failed attempt: a pure function of the policy and of what happened.

#ifndef DAEMON_CORE_RETRY_H_
#define DAEMON_CORE_RETRY_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/config/retry_policy.h"

namespace dmaheap {

// Whether the same call may succeed a moment later. ENOMEM: a page was pinned, or somebody frees
// (the kernel says ENOMEM for whatever a CMA heap could not give;
// drivers/dma-buf/heaps/cma_heap.c). EAGAIN, EBUSY, EINTR: as they say. Everything else stays as it
// is.
bool IsTransient(int error_number);

// The delay before the next attempt, absent to give up. attempts were made, the last of them failed
// with error_number; random is uniform in [0, 1); remaining is what the caller's deadline leaves,
// and a delay that does not fit into it is no retry.
absl::optional<absl::Duration> NextDelay(const RetryPolicy& policy, int attempts, int error_number,
                                         absl::Duration remaining, double random);

}  // namespace dmaheap

#endif  // DAEMON_CORE_RETRY_H_
