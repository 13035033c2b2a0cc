#include "daemon/core/lane_share.h"

#include <algorithm>

namespace dmaheap {

void LaneShare::Turn(absl::Time now) {
  if (now - window_ < kRecent) return;
  quickest_before_ = now - window_ < 2 * kRecent ? quickest_ : absl::InfiniteDuration();
  quickest_ = absl::InfiniteDuration();
  window_ = now;
}

void LaneShare::OnServed(absl::Time now, absl::Duration took) {
  Turn(now);
  quickest_ = std::min(quickest_, took);
}

absl::Duration LaneShare::BookRetry(absl::Time now, absl::Duration took) {
  Turn(now);
  if (std::min(quickest_, quickest_before_) * kQuicker >= took) return absl::ZeroDuration();
  // The attempt that just ended is paid for by the pause after it.
  next_retry_ = std::max(next_retry_, now) + took * (kParts - 1);
  const absl::Duration delay = next_retry_ - now;
  next_retry_ += took;
  return delay;
}

}  // namespace dmaheap
