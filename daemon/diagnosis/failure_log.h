// What the kernel's log says of failed allocations, and which of them was a request's own.
//
// The kernel writes a line for a failed allocation (cma_alloc in mm/cma.c), but of more than ten in
// five seconds it leaves the rest out (pr_err_ratelimited; DEFAULT_RATELIMIT_BURST in
// include/linux/ratelimit_types.h). So what is not there proves nothing, and of one that is there
// it has to be shown whose it is: pure functions.

#ifndef DAEMON_DIAGNOSIS_FAILURE_LOG_H_
#define DAEMON_DIAGNOSIS_FAILURE_LOG_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "heaps/cma_area.h"

namespace dmaheap {

struct LoggedFailure {
  // Empty where the kernel leaves it out (before 5.15).
  std::string area;
  int64_t pages = 0;
  int error_number = 0;
  // Who made it (gettid(2)); 0: not told, as without CONFIG_PRINTK_CALLER.
  pid_t thread = 0;
  // It was written then at the latest, by the monotonic clock.
  absl::Time latest = absl::InfiniteFuture();
  // Of its area, right after it.
  absl::optional<CmaFreeList> free_list = absl::nullopt;
};

// The last that the log has, in their order.
struct FailureLog {
  std::vector<LoggedFailure> failures;
  // Nothing of the log is missing since then.
  absl::Time whole_since = absl::InfiniteFuture();
};

// What a request tried at its heap, all in vain, up to now.
struct FailedAttempts {
  // As the kernel calls it, and pages of one buffer.
  std::string area;
  int64_t pages = 0;
  int count = 0;
  // The beginning of the first, and of the last.
  absl::Time first_began;
  absl::Time last_began;
  // Who made the last.
  pid_t thread = 0;
};

// The failure that the last of them came to. nullptr where the log does not have it, or where
// another may be meant.
const LoggedFailure* FindLast(const FailureLog& log, const FailedAttempts& attempts);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_FAILURE_LOG_H_
