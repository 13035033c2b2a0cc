#include "daemon/keeper/restart_policy.h"

#include <algorithm>

namespace dmaheap {

absl::optional<absl::Duration> RestartPolicy::OnExit(absl::Time now) {
  const absl::Duration lived = now - started_;
  if (!ever_ready_) {
    early_deaths_ = lived < limits_.start_window ? early_deaths_ + 1 : 0;
    if (early_deaths_ >= limits_.start_attempts) return absl::nullopt;
  }
  if (lived >= limits_.healthy_after) next_delay_ = absl::ZeroDuration();
  const absl::Duration longest = ready_ ? limits_.longest_delay_served : limits_.longest_delay;
  const absl::Duration delay = std::min(next_delay_, longest);
  next_delay_ = std::max(2 * delay, limits_.first_delay);
  return delay;
}

}  // namespace dmaheap
