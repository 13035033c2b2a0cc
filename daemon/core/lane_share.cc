#include "daemon/core/lane_share.h"

#include <algorithm>

namespace dmaheap {

void LaneShare::Turn(absl::Time now) {
  if (now - window_ < kRecent) return;
  quickest_before_ = now - window_ < 2 * kRecent ? quickest_ : Served();
  quickest_ = Served();
  window_ = now;
}

void LaneShare::OnServed(absl::Time now, absl::Duration took, int64_t bytes) {
  Turn(now);
  if (took < quickest_.took) quickest_ = {took, bytes};
}

absl::Duration LaneShare::BookRetry(absl::Time now, absl::Duration took, int64_t bytes) {
  Turn(now);
  const auto is_held_up_by = [&](const Served& other) {
    return other.bytes < bytes && other.took * kQuicker < took;
  };
  if (!is_held_up_by(quickest_) && !is_held_up_by(quickest_before_)) return absl::ZeroDuration();
  // The attempt that just ended is paid for by the pause after it.
  next_retry_ = std::max(next_retry_, now) + took * (kParts - 1);
  const absl::Duration delay = next_retry_ - now;
  next_retry_ += took;
  return delay;
}

}  // namespace dmaheap
