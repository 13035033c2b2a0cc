#include "daemon/core/retry.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>

namespace dmaheap {

bool IsTransient(int error_number) {
  switch (error_number) {
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case EINTR:
      return true;
    default:
      return false;
  }
}

absl::optional<absl::Duration> NextDelay(const RetryPolicy& policy, int attempts, int error_number,
                                         absl::Duration remaining, double random) {
  if (!IsTransient(error_number) || attempts >= policy.max_attempts.value_or(INT_MAX))
    return absl::nullopt;
  // The power may overflow to infinity; the bound then decides.
  const double factor = std::pow(policy.multiplier, attempts - 1);
  const absl::Duration backoff = std::min(policy.initial_backoff * factor, policy.max_backoff);
  const absl::Duration delay = backoff * (1.0 + policy.jitter * (2.0 * random - 1.0));
  if (delay >= remaining) return absl::nullopt;
  return delay;
}

}  // namespace dmaheap
