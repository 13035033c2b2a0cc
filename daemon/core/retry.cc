#include "daemon/core/retry.h"

#include <algorithm>
#include <cerrno>
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

absl::optional<absl::Duration> NextDelay(const RetrySchedule& schedule, int attempts,
                                         int error_number, absl::Duration remaining,
                                         double random) {
  if (!IsTransient(error_number) || attempts >= schedule.max_attempts) return absl::nullopt;
  // The power may overflow to infinity; the bound then decides.
  const double factor = std::pow(schedule.multiplier, attempts - 1);
  const absl::Duration backoff = std::min(schedule.initial_backoff * factor, schedule.max_backoff);
  const absl::Duration delay = backoff * (1.0 + schedule.jitter * (2.0 * random - 1.0));
  if (delay >= remaining) return absl::nullopt;
  return delay;
}

}  // namespace dmaheap
